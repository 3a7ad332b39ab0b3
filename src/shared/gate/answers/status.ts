import type { Gate } from "../../access/gate.ts";
import { samePolicy } from "../../access/state.ts";
import type { FirewallError } from "../../firewall/firewall.ts";
import { portProblems } from "../../users/decisions.ts";
import type { StatusView } from "../views.ts";
import { summary } from "./allow.ts";

/**
 * How knockline is.
 * @param since ISO time since when knockd runs; null: no knockd, a knockctl is the gate for one command
 */
export async function statusOf(gate: Gate, since: string | null): Promise<StatusView> {
  const { firewall, settings, ledger } = gate.state;
  const problems = [...gate.problems.values(), ...portProblems(gate.state)];
  // not between decisions: a knock need not wait for nft, which may hang
  const table = await gate.projector.state().catch((error: FirewallError) => {
    problems.push(`${error.message}; ${error.cure}`);
    return { state: "unknown" } as const;
  });
  const trial =
    firewall.trial !== null && firewall.trial.ends > gate.parts.clock().uptime ? firewall.trial : null;
  const inForce = trial?.policy ?? firewall.confirmed;
  const known =
    table.state === "foreign" ? "altered" : since === null && table.state === "altered" ? "ok" : table.state;
  const pending = !samePolicy(firewall.confirmed, settings.policy);
  if (pending && trial === null && firewall.confirmed !== null)
    problems.push("settings changed, not applied: knockctl firewall plan");
  return {
    ok: since !== null && known === "ok" && problems.length === 0,
    knockd: { state: since === null ? "stopped" : "running", since, problems },
    phone: { state: gate.phone },
    firewall: {
      state: known === "ok" && trial !== null ? "trial" : known,
      guard: inForce?.guard ?? "nothing",
      accept_mark: inForce?.mode === "mark" ? inForce.mark : null,
      pending,
      trial_ends: trial === null ? null : new Date(trial.endsWall).toISOString(),
      drops: "drops" in table ? table.drops : null,
    },
    grants: ledger.live(gate.parts.clock().uptime).length,
    allowlist: summary(gate),
  };
}
