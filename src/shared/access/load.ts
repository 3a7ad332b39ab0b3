import { type Duration, type Instant, milliseconds } from "../duration.ts";
import type { Settings } from "../settings/settings.ts";
import { NO_REPLAY, type Replay } from "../ssh/replay.ts";
import { migrate } from "../store/migrations.ts";
import type { Store, Write } from "../store/store.ts";
import type { AllowEntry, End } from "./allowlist.ts";
import {
  decodeAllow,
  decodeClock,
  decodeDecoys,
  decodeFirewall,
  decodeGrant,
  decodeLeft,
  decodeNonce,
  decodePending,
  decodeReplayFloor,
  decodeRevocation,
  decodeStep,
  decodeTries,
  decodeUser,
} from "./decode/records.ts";
import type { Grant } from "./grant.ts";
import { type AllowRecord, type ClockRecord, type GrantRecord, keys } from "./records.ts";
import { emptyState, type GateState } from "./state.ts";

/** What the store holds. */
export interface Loaded {
  readonly state: GateState;
  /**
   * What makes the records of an earlier boot this one's, to be written in one piece with the clock: read once more
   * beside a later clock, they would be given more time than they have.
   */
  readonly led: readonly Write[];
}

/**
 * Reads the gate's state from the store.
 * @param boot id of this boot of the machine: ends that were counted in another boot's uptime are led over
 * @throws StoreError
 */
export async function loadState(
  store: Store,
  settings: Settings,
  now: Instant,
  boot: string,
): Promise<Loaded> {
  await migrate(store);
  const state = emptyState(settings);
  const led: Write[] = []; // bounded: by what is stored
  const lead = (key: string, then: string, value?: object): void => {
    if (then !== boot) led.push(value === undefined ? { key } : { key, value: { ...value, boot } });
  };
  const [clock] = (await store.read(keys.clock, { limit: 1 })).map(decodeClock);
  for (const user of (await store.read(keys.user(""))).map(decodeUser)) state.users.set(user.name, user);
  for (const [decoys] of [(await store.read(keys.decoys, { limit: 1 })).map(decodeDecoys)])
    state.decoys = decoys ?? [];
  for (const record of (await store.read(keys.grant(""))).map(decodeGrant)) {
    const grant = sinceBoot(record, clock, now, boot);
    if (grant !== undefined) state.ledger.put(grant);
    lead(keys.grant(record.id), record.boot, grant);
  }
  for (const record of (await store.read(keys.allow(""))).map(decodeAllow)) {
    const entry = entrySinceBoot(record, clock, now, boot);
    if (entry !== undefined) state.allowlist.put(entry);
    if (record.end !== null) lead(keys.allow(record.what), record.boot, entry);
  }
  for (const { boot: then, network, at } of (await store.read(keys.left(""))).map(decodeLeft)) {
    if (then === boot) state.allowlist.setLeft(network, at);
    lead(keys.left(network), then);
  }
  for (const { boot: then, ...request } of (await store.read(keys.pending(""))).map(decodePending)) {
    if (then === boot) state.pending.set(request.id, request); // who was asked for before a reboot knocks again
    lead(keys.pending(request.id), then);
  }
  for (const entry of await store.read(keys.tries("")))
    state.tries.set(entry[0].slice(keys.tries("").length), decodeTries(entry));
  for (const entry of await store.read(keys.otpStep("")))
    state.otpSteps.set(entry[0].slice(keys.otpStep("").length), decodeStep(entry));
  for (const [user, replay] of await readReplays(store)) state.replays.set(user, replay);
  for (const { boot: then, ...revocation } of (await store.read(keys.revocation(""))).map(decodeRevocation)) {
    if (then === boot) state.ledger.setRevocation(revocation.address, revocation); // a new boot remembers no session
    lead(keys.revocation(revocation.address), then);
  }
  const [firewall] = (await store.read(keys.firewall, { limit: 1 })).map(decodeFirewall);
  if (firewall !== undefined) {
    const { boot: then, ...rest } = firewall;
    state.firewall = then === boot ? rest : { ...rest, trial: null, adopted: [] };
    lead(keys.firewall, then, state.firewall);
  }
  return { state, led };
}

async function readReplays(store: Store): Promise<Map<string, Replay>> {
  const replays = new Map<string, Replay>(); // bounded: one entry a user that ever was
  for (const entry of await store.read(keys.replayFloor("")))
    replays.set(entry[0].slice(keys.replayFloor("").length), { floor: decodeReplayFloor(entry), seen: [] });
  for (const { user, stamp } of (await store.read(keys.nonce(""))).map(decodeNonce)) {
    const { floor, seen } = replays.get(user) ?? NO_REPLAY;
    replays.set(user, { floor, seen: [...seen, stamp] });
  }
  return replays;
}

/** Leads a grant over to this boot. @returns undefined when nothing is left */
export function sinceBoot(
  record: GrantRecord,
  clock: ClockRecord | undefined,
  now: Instant,
  boot: string,
): Grant | undefined {
  const { boot: then, ...grant } = record;
  if (then === boot) return grant;
  const end = grant.closed === undefined ? endSinceBoot(grant, then, clock, now) : undefined;
  return end && { ...grant, ends: end.ends, expires: end.expires };
}

/** The same for an entry of the allowlist; one without an end stays as it is. */
function entrySinceBoot(
  record: AllowRecord,
  clock: ClockRecord | undefined,
  now: Instant,
  boot: string,
): AllowEntry | undefined {
  const { boot: then, ...entry } = record;
  if (then === boot || entry.end === null) return entry;
  const end = endSinceBoot(entry.end, then, clock, now);
  return end && { ...entry, end };
}

/**
 * After a reboot the rest is the least of what the wall clock leaves, what was left when the gate last wrote, and the
 * whole length; nothing when the clock is behind that last writing, for then nobody knows how long the machine was off.
 * @param then the boot that `ends` was counted in
 */
function endSinceBoot(
  { expires, ends, length }: End,
  then: string,
  clock: ClockRecord | undefined,
  now: Instant,
): End | undefined {
  if (clock === undefined || now.wall < clock.wall) return undefined;
  const recorded = clock.boot === then ? ends - clock.uptime : Number.POSITIVE_INFINITY;
  const rest: Duration = milliseconds(Math.min(expires - now.wall, recorded, length));
  return rest > 0 ? { ends: now.uptime + rest, expires: now.wall + rest, length } : undefined;
}
