import { type Duration, type Instant, milliseconds, minutes } from "../duration.ts";
import { Refusal } from "../gate/verbs.ts";
import type { Settings } from "../settings/settings.ts";
import { afterRestore, NO_REPLAY } from "../ssh/replay.ts";
import { MemoryStore } from "../store/memory.ts";
import type { Entry, Store } from "../store/store.ts";
import { closeForbidden, type Draw, settleDecoys } from "../users/decisions.ts";
import { lastStepInTime } from "../users/otp.ts";
import { MAX_USERS } from "../users/user.ts";
import { MAX_ENTRIES } from "./allowlist.ts";
import type { Grant } from "./grant.ts";
import { loadState } from "./load.ts";
import { type ClockRecord, keys } from "./records.ts";
import type { GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/**
 * What a backup holds of the store: the beginning of the keys, or null for what it leaves out. The compiler asks for a
 * new record's line here.
 */
const HELD: Record<keyof typeof keys, string | null> = {
  schema: keys.schema,
  decoys: keys.decoys,
  firewall: keys.firewall,
  user: keys.user(""),
  tries: keys.tries(""),
  otpStep: keys.otpStep(""),
  replayFloor: keys.replayFloor(""),
  nonce: keys.nonce(""),
  history: "history/",
  allow: keys.allow(""),
  // what is open now is nobody's business later, and ends before
  grant: null,
  pending: null,
  revocation: null,
  left: null,
  // of this machine and this boot
  clock: null,
  vault: null,
};

/** Entries of the history that a backup holds at most, the newest. */
const MOST_HISTORY = 100_000;
/** How far a backup may lie ahead of this machine's clock. */
const AHEAD = minutes(10);

/** A backup, read and understood; nothing is changed yet. */
export interface Backup {
  readonly state: GateState;
  // bounded: MOST_HISTORY when it was made
  readonly history: readonly Entry[];
  /** Wall clock ms. */
  readonly made: number;
}

/** What a restore did beside the users. */
export interface Restored {
  /** Grants that were closed. */
  readonly closed: Grant[];
  /** Entries of the allowlist that came back: they let in again. */
  // bounded: MAX_ENTRIES
  readonly back: string[];
}

/** How a backup is to be restored. */
export interface Restoring {
  /** Id of the secret that the backup's secrets are sealed under. */
  readonly vault: string;
  /** Also over users that are there. */
  readonly force: boolean;
  readonly draw: Draw;
  /** For how long conntrack remembers an idle TCP session. */
  readonly memory: Duration;
}

/** Reads what a backup holds. Between two decisions of the gate it is one moment's. @throws StoreError */
export async function readForBackup(store: Store): Promise<Entry[]> {
  const parts: Entry[][] = [];
  for (const prefix of Object.values(HELD)) {
    if (prefix === null) continue;
    parts.push(await store.read(prefix, prefix === HELD.history ? { limit: MOST_HISTORY, last: true } : {}));
  }
  return parts.flat();
}

/** Under which secret the store's secrets are sealed; undefined when no backup was ever restored. @throws StoreError */
export async function sealedUnder(store: Store): Promise<string | undefined> {
  const [entry] = await store.read(keys.vault, { limit: 1 });
  return entry === undefined ? undefined : String(entry[1]);
}

/**
 * Understands a backup's records, as a store of its own. Ends of the allowlist's entries are led over to now, as after a
 * reboot; what has ended is left out.
 * @throws StoreError `damaged` or `newer`
 */
export async function readBackup(
  records: readonly Entry[],
  made: number,
  settings: Settings,
  now: Instant,
): Promise<Backup> {
  const held = Object.values(HELD).filter((prefix) => prefix !== null);
  const store = new MemoryStore();
  await store.write(
    records
      .filter(([key]) => held.some((prefix) => key.startsWith(prefix)))
      .map(([key, value]) => ({ key, value })),
  );
  // no boot: only the wall clock is the same on another machine
  const clock: ClockRecord = { boot: "", wall: Math.min(made, now.wall), uptime: 0 };
  await store.write([{ key: keys.clock, value: clock }]);
  const { state } = await loadState(store, settings, now, "no boot of this machine");
  return { state, history: await store.read("history/"), made };
}

/**
 * Puts a backup in the place of the users that are here. It opens nothing but for the allowlist's entries: no
 * grant and no request comes back, what is open stays only as far as its user may still have it, and every code and
 * signed knock up to now counts as used. The policy in force stays: closing ports is for `firewall apply`, which can be
 * taken back.
 * @throws Refusal when there are users and `force` is not said, or the clock is behind the backup
 */
export function restoreBackup(
  state: GateState,
  tx: Transaction,
  backup: Backup,
  { vault, force, draw, memory }: Restoring,
): Restored {
  refuseRestore(state, tx, backup, force);
  const before = new Set([...state.allowlist.all()].map(({ what }) => what));
  for (const part of Object.values(PARTS)) part?.(state, tx, backup.state);
  settleDecoys(state, tx, draw);
  tx.recall(backup.history);
  tx.setVault(vault);
  const made = new Date(backup.made).toISOString();
  const back = [...state.allowlist.all()].map(({ what }) => what).filter((what) => !before.has(what));
  const what = `${backup.state.users.size} users, ${back.length} allowlist entries came back`;
  tx.note("restored", { by: "admin", reason: `${what}, as they were at ${made}` });
  return { closed: closeForbidden(state, tx, memory), back };
}

function refuseRestore(
  state: GateState,
  tx: Transaction,
  { state: from, made }: Backup,
  force: boolean,
): void {
  if (state.users.size > 0 && !force)
    throw new Refusal(
      "refused",
      `there are users here already: ${state.users.size}`,
      "to put those of the backup in their place: --force",
    );
  if (from.users.size > MAX_USERS)
    throw new Refusal("refused", "the backup holds too many users", `at most ${MAX_USERS} are taken`);
  // used knocks are told from fresh ones by the clock: behind, it would let old ones in again when it is set right
  if (made > tx.now.wall + milliseconds(AHEAD))
    throw new Refusal(
      "refused",
      `the backup was made at ${new Date(made).toISOString()}, which this machine's clock has not reached`,
      "set the clock (timedatectl), then restore",
    );
}

type Restore = (state: GateState, tx: Transaction, from: GateState) => void;

/** What a restore does with each part of the state; null: it stays as it is. The compiler asks for a new part's line. */
const PARTS: { readonly [Part in keyof GateState]: Restore | null } = {
  settings: null, // a person writes them
  firewall: null,
  ledger: null,
  recorded: null,
  users: (state, tx, from) => {
    for (const name of [...state.users.keys()]) if (!from.users.has(name)) tx.setUser(name, undefined);
    for (const [name, user] of from.users) tx.setUser(name, user);
  },
  // added to what is here: whoever is logged in through an entry of today stays so
  allowlist: (state, tx, from) => {
    for (const entry of from.allowlist.all())
      if (state.allowlist.get(entry.what) === undefined && state.allowlist.size < MAX_ENTRIES)
        tx.putEntry(entry);
  },
  pending: (state, tx) => {
    for (const id of [...state.pending.keys()]) tx.setPending(id, undefined);
  },
  decoys: (_state, tx, { decoys }) => {
    if (decoys.length > 0) tx.setDecoys(decoys); // those that are here may lie on a restored user's port
  },
  lastOpened: null, // follows from the history
  tries: (state, tx, from) => {
    for (const [who, tries] of from.tries) if (!state.tries.has(who)) tx.setTries(who, tries);
  },
  otpSteps: (state, tx, from) => {
    const used = lastStepInTime(tx.now.wall);
    for (const name of everybody(state.otpSteps, from.otpSteps, from.users))
      tx.raiseOtpStep(name, Math.max(used, state.otpSteps.get(name) ?? 0, from.otpSteps.get(name) ?? 0));
  },
  replays: (state, tx, from) => {
    for (const name of everybody(state.replays, from.replays, from.users)) {
      const known = [state.replays.get(name) ?? NO_REPLAY, from.replays.get(name) ?? NO_REPLAY];
      tx.setReplay(name, afterRestore(known, tx.now.wall));
    }
  },
};

const everybody = (...maps: ReadonlyMap<string, unknown>[]): Set<string> =>
  new Set(maps.flatMap((map) => [...map.keys()]));
