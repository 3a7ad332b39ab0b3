import type { Gate } from "../shared/access/gate.ts";
import { samePolicy } from "../shared/access/state.ts";
import { apply } from "../shared/access/trial.ts";
import type { Settings } from "../shared/settings/settings.ts";
import { portProblems, settleDecoys } from "../shared/users/decisions.ts";
import type { User } from "../shared/users/user.ts";

/**
 * Makes the kernel right at start. A policy that was confirmed once is loaded as it was, whatever the settings say
 * by now; only where none ever was, the settings are applied and confirmed as they stand.
 * @throws FirewallError, StoreError
 */
export async function takeOver(gate: Gate): Promise<void> {
  const draw = await gate.parts.draw();
  await gate.run((state, tx) => settleDecoys(state, tx, draw));
  if (gate.state.firewall.confirmed === null && gate.state.firewall.trial === null) {
    const sessions = await gate.parts.sessions();
    const application = { trial: undefined, keep: [], sshPorts: [], sessions, freshId: gate.parts.freshId };
    await gate.run((state, tx) => apply(state, tx, application));
    gate.parts.log.info("first start: the settings' policy is in force", {
      guard: gate.state.settings.policy.guard,
    });
  } else {
    await gate.adopt();
  }
  warn(gate);
}

/** Takes over changed settings: what does not close anything acts at once, the policy waits for `firewall apply`. */
export async function reload(gate: Gate, settings: Settings): Promise<void> {
  if (JSON.stringify(settings) !== JSON.stringify(gate.state.settings)) {
    const draw = await gate.parts.draw();
    await gate.run((state, tx) => {
      state.settings = settings;
      settleDecoys(state, tx, draw);
      tx.portsChanged = true; // the window may have changed
    });
    warn(gate);
  }
  gate.problems.delete("settings");
}

/** After a reload that failed: `status` says so until one succeeds, for who asked for it may not read the log. */
export function keepOld(gate: Gate, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  gate.parts.log.error("settings were not taken over; the old ones hold", { message });
  gate.problems.set(
    "settings",
    `settings were not taken over: ${message.replaceAll("\n", "; ")}; the old ones hold: knockctl config check`,
  );
}

/** Which UDP ports must be listened on, each with whose it is. */
export function portOwners(users: Iterable<User>, decoys: readonly number[]): Map<number, string> {
  const owners = new Map<number, string>();
  for (const port of decoys) owners.set(port, "a decoy");
  for (const { name, steps } of users) {
    for (const { proto, port } of steps) if (proto === "udp") owners.set(port, `user ${name}`);
  }
  return owners;
}

/** Which TCP ports must be watched: steps, and, as soon as there is one, the decoys. */
export function watchedPorts(users: Iterable<User>, decoys: readonly number[]): number[] {
  const steps = [...users].flatMap(({ steps }) => steps).filter(({ proto }) => proto === "tcp");
  return steps.length === 0 ? [] : [...steps.map(({ port }) => port), ...decoys];
}

function warn(gate: Gate): void {
  const { firewall, settings } = gate.state;
  if (firewall.confirmed !== null && !samePolicy(firewall.confirmed, settings.policy)) {
    gate.parts.log.warn("settings changed, not applied: knockctl firewall plan");
  }
  for (const problem of portProblems(gate.state)) gate.parts.log.warn(problem);
}
