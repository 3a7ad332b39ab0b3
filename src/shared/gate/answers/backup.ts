import { readBackup, readForBackup, restoreBackup } from "../../access/backup.ts";
import type { Gate } from "../../access/gate.ts";
import { viewGrant } from "../../access/grants.ts";
import { portProblems } from "../../users/decisions.ts";
import { type AdminVerbs, Refusal } from "../verbs.ts";

/** Entries of the allowlist that an answer names, of those that came back. */
const MOST_NAMED = 10;

/** Answers `backup`: the store of one moment. @throws StoreError */
export async function backUp(gate: Gate): Promise<AdminVerbs["backup"]["result"]> {
  const { store, clock, vault } = gate.parts;
  const records = await gate.alone(() => readForBackup(store));
  const { users, settings, allowlist } = gate.state;
  const what = `${users.size} users, secrets and all; ${allowlist.size} allowlist entries`;
  await gate.run((_state, tx) => tx.note("backed-up", { by: "admin", reason: what }));
  const made = new Date(clock().wall).toISOString();
  return { records, vault: vault.id, made, server: settings.server.name };
}

/**
 * Answers `restore`. A knockd that runs goes on under the secret it has read, so it takes back only what was sealed under
 * that one. @param running true when it is a knockd that answers
 * @throws Refusal, StoreError
 */
export async function restore(
  gate: Gate,
  { records, made, vault, force = false }: AdminVerbs["restore"]["args"],
  running: boolean,
): Promise<AdminVerbs["restore"]["result"]> {
  if (running && vault !== gate.parts.vault.id)
    throw new Refusal(
      "refused",
      "the backup has another secret than the knockd that runs",
      "stop knockd (systemctl stop knockline-knockd), restore, and start it again",
    );
  const backup = await readBackup(records, Date.parse(made), gate.state.settings, gate.parts.clock());
  const draw = await gate.parts.draw();
  const { memory } = gate.parts;
  const { closed, back } = await gate.run((state, tx) =>
    restoreBackup(state, tx, backup, { vault, force, draw, memory }),
  );
  await gate.followed();
  const { uptime } = gate.parts.clock();
  return {
    users: [...gate.state.users.keys()],
    events: backup.history.length,
    closed: closed.map((grant) => viewGrant(grant, uptime)),
    allowed_again: { count: back.length, first: back.slice(0, MOST_NAMED) },
    notes: portProblems(gate.state),
  };
}
