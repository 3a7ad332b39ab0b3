import type { Gate } from "../../access/gate.ts";
import { samePolicy } from "../../access/state.ts";
import { seconds } from "../../duration.ts";
import { FIREWALL_CURES, foreignTable } from "../../firewall/failure.ts";
import type { FirewallError, TableState } from "../../firewall/firewall.ts";
import { portProblems } from "../../users/decisions.ts";
import type { StatusView } from "../views.ts";
import { summary } from "./allow.ts";
import type { Answerer } from "./answerer.ts";

/** A phone-auth that was restarted speaks again sooner. */
const PHONE_PATIENCE = seconds(30);

/** How knockline is. */
export async function statusOf(gate: Gate, about: Answerer): Promise<StatusView> {
  const { since } = about;
  const { firewall, settings, ledger } = gate.state;
  const problems = [...gate.problems.values(), ...portProblems(gate.state), ...phoneProblem(gate, about)];
  // not between decisions: a knock need not wait for nft, which may hang
  const table = await gate.projector.state().catch((error: FirewallError) => {
    problems.push(`${error.message}; ${error.cure}`);
    return { state: "unknown" } as const;
  });
  const trial =
    firewall.trial !== null && firewall.trial.ends > gate.parts.clock().uptime ? firewall.trial : null;
  const inForce = trial?.policy ?? firewall.confirmed;
  const stranger = strangersTable(table, settings.paths.state);
  // the gate may have named it already, when it could not make its own
  if (stranger !== undefined && !problems.some((problem) => problem.includes(stranger)))
    problems.push(`${stranger}; ${FIREWALL_CURES.foreign}`);
  const known =
    stranger !== undefined || table.state === "foreign"
      ? "altered"
      : since === null && table.state === "altered"
        ? "ok"
        : table.state;
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
      drops: "drops" in table && stranger === undefined ? table.drops : null,
    },
    grants: ledger.live(gate.parts.clock().uptime).length,
    allowlist: summary(gate),
  };
}

/** @returns whose the table in the kernel is, in a sentence; undefined for our own, and for none */
function strangersTable(
  table: TableState | { readonly state: "unknown" },
  state: string,
): string | undefined {
  return "owner" in table && table.owner !== state ? foreignTable(table.owner).message : undefined;
}

/** Whoever calls is told nothing better than that it is not available: an admin must not hear it from him. */
function phoneProblem({ state, parts }: Gate, { since, phoneSilentSince }: Answerer): string[] {
  const silent = since === null || !state.settings.phone.enabled ? undefined : phoneSilentSince();
  return silent === undefined || parts.clock().uptime - silent < PHONE_PATIENCE
    ? []
    : ["the phone is enabled, and phone-auth does not run: systemctl start knockline-phone-auth"];
}
