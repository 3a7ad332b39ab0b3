import type { Gate } from "../../access/gate.ts";

/** Says which services have no door yet because the settings that name them were not applied. */
export function notInForce(gate: Gate, services: readonly string[]): string[] {
  const { confirmed, trial } = gate.state.firewall;
  if (confirmed === null) return [];
  const loaded = [...confirmed.services, ...(trial?.policy.services ?? [])].map(({ name }) => name);
  const missing = services.filter((name) => !loaded.includes(name));
  return missing.length === 0
    ? []
    : [`${missing.join(", ")}: in the settings, but not in force yet: knockctl firewall plan`];
}
