import { kindOf } from "../address.ts";
import { type Duration, days, milliseconds } from "../duration.ts";
import { type AllowWish, Refusal, type RefusalCode } from "../gate/verbs.ts";
import type { AllowView } from "../gate/views.ts";
import { type NameAnswer, type Settled, settle } from "../names/answer.ts";
import { parseName } from "../names/name.ts";
import { firstOf, isAddress, type Network, parseNetwork, prefixOf, sizeOf } from "../network.ts";
import { checkServices, inOrder } from "../users/wishes.ts";
import { shutAdopted } from "./adopted.ts";
import { type AllowEntry, type End, isInForce, MAX_ENTRIES } from "./allowlist.ts";
import { shut } from "./closing.ts";
import { type GateState, projectionRules } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** Networks shorter than this must be asked for twice: as many hosts as a large provider, or a country, has. */
const WIDE = { 4: 16, 6: 32 } as const;

/** The kernel takes no longer time in seconds, and who thinks further ahead means for good. */
const LONGEST = days(3 * 365);

/** How often the time of a name's last good answer is written down, though nothing changed. */
const CONFIRMED_EVERY = 3_600_000;

/** What came of an entry that was asked for. */
export type Placed = "added" | "changed" | "same";

/**
 * Adds an entry, or makes the one that is called so what is asked for now.
 * @param wide the admin has said that a very wide network is meant
 * @throws Refusal
 */
export function allow(
  state: GateState,
  tx: Transaction,
  wish: AllowWish,
  wide: boolean,
): { entry: AllowEntry; placed: Placed } {
  const { what, network } = allowable(wish.what, wide);
  const services = inOrder(state, wish.services ?? []);
  if (services.length > 0) checkServices(state, services);
  const before = state.allowlist.get(what);
  if (before === undefined && state.allowlist.size >= MAX_ENTRIES)
    throw new Refusal(
      "refused",
      `the allowlist is full: ${MAX_ENTRIES} entries`,
      "remove some, or allow a network",
    );
  const entry: AllowEntry = {
    what,
    services,
    note: wish.note?.trim() || null,
    added: before?.added ?? tx.now.wall,
    end: wish.expires == null ? null : endAt(wish.expires, tx),
    addresses: network === undefined ? (before?.addresses ?? []) : [network],
    lookup: network === undefined ? (before?.lookup ?? { answered: null, failing: null }) : null,
  };
  if (before !== undefined && isSame(before, entry)) return { entry: before, placed: "same" };
  tx.putEntry(entry);
  const placed = before === undefined ? "added" : "changed";
  tx.note(`allow-${placed}`, { by: "admin", reason: aboutOf(entry) });
  return { entry, placed };
}

/** Adds or changes many entries, all or none. @throws Refusal naming each line that does not fit */
export function allowMany(
  state: GateState,
  tx: Transaction,
  wishes: readonly (AllowWish & { line: number })[],
  wide: boolean,
): Record<Placed, number> {
  const counts = { added: 0, changed: 0, same: 0 };
  const wrong: string[] = [];
  const lines = new Map<string, number>();
  const codes = new Set<RefusalCode>(); // bounded: by the codes there are
  let cure = "";
  for (const wish of wishes) {
    try {
      const { entry, placed } = allow(state, tx, wish, wide);
      const first = lines.get(entry.what);
      if (first !== undefined)
        throw new Refusal("usage", `${entry.what} is in line ${first} already`, "name each once");
      lines.set(entry.what, wish.line);
      counts[placed] += 1;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      wrong.push(`line ${wish.line}: ${error.message}`);
      codes.add(error.code);
      cure ||= error.cure;
    }
  }
  const [code = "usage", ...others] = codes; // that of the line alone, so that a list fails as its entry would
  if (wrong.length > 0)
    throw new Refusal(others.length > 0 ? "usage" : code, summed(wrong), `${cure}; nothing was imported`);
  return counts;
}

/**
 * Removes an entry: new connections are refused at once, and unless `keepSessions`, TCP sessions under way are cut,
 * but not those that a grant or another entry opens.
 * @param memory for how long conntrack remembers an idle TCP session
 * @throws Refusal when there is none
 */
export function disallow(
  state: GateState,
  tx: Transaction,
  what: string,
  memory: Duration,
  keepSessions: boolean,
): { entry: AllowEntry; notes: string[] } {
  const entry = findEntry(state, what);
  tx.forgetEntry(entry.what);
  const all = projectionRules(state).services;
  const closed = entry.services.length === 0 ? all : new Set(entry.services);
  if (keepSessions) leave(state, tx, entry.addresses, tx.now.uptime);
  const notes = entry.addresses.flatMap((network) => {
    if (!keepSessions) tx.setLeft(network, undefined);
    return isAddress(network) ? shut(state, tx, network, closed, keepSessions ? undefined : memory) : [];
  });
  if (!keepSessions) shutAdopted(state, tx, entry, closed, memory);
  tx.note("allow-removed", { by: "admin", reason: aboutOf(entry) });
  return { entry, notes };
}

/** Ends what has run out. @returns uptime of the next such moment */
export function lapse(state: GateState, tx: Transaction): number {
  const { uptime } = tx.now;
  const { keepMax } = projectionRules(state);
  let next = Number.POSITIVE_INFINITY;
  for (const entry of [...state.allowlist.all()]) {
    if (isInForce(entry, uptime)) next = Math.min(next, entry.end?.ends ?? next);
    else {
      tx.forgetEntry(entry.what);
      leave(state, tx, entry.addresses, entry.end?.ends ?? uptime);
      tx.note("allow-ended", { reason: aboutOf(entry) });
    }
  }
  for (const [network, at] of [...state.allowlist.leavers()]) {
    const due = at + (keepMax ?? 0);
    if (due <= uptime) tx.setLeft(network, undefined);
    else next = Math.min(next, due);
  }
  return next;
}

/**
 * Takes over what a resolver found for a name. All of its addresses change in one transaction of the kernel.
 * @returns what it came to; undefined when there is no such name (any more)
 */
export function answerName(
  state: GateState,
  tx: Transaction,
  name: string,
  answer: NameAnswer,
): (Settled & { moved: boolean; before: AllowEntry }) | undefined {
  const before = state.allowlist.get(name);
  if (before === undefined || before.lookup === null) return undefined;
  const settled = settle(before.addresses, answer);
  const { wall, uptime } = tx.now;
  const { answered, failing } = before.lookup;
  const confirmed = settled.ttl === undefined ? answered : wall;
  const still = settled.failing === null ? null : { since: failing?.since ?? wall, why: settled.failing };
  const entry = { ...before, addresses: settled.addresses, lookup: { answered: confirmed, failing: still } };
  const moved = entry.addresses.join() !== before.addresses.join();
  const stale =
    Math.floor((confirmed ?? 0) / CONFIRMED_EVERY) !== Math.floor((answered ?? 0) / CONFIRMED_EVERY);
  if (moved || stale || still?.why !== failing?.why) tx.putEntry(entry);
  else tx.confirmEntry(entry);
  const gone = before.addresses.filter((network) => !entry.addresses.includes(network));
  leave(state, tx, gone, uptime);
  return { ...settled, moved, before };
}

/** @returns the entry that is called so. @throws Refusal when there is none */
export function findEntry({ allowlist }: GateState, text: string): AllowEntry {
  const parsed = parseNetwork(text);
  const entry = allowlist.get((parsed?.ok ? parsed.network : parseName(text)) ?? text);
  if (entry !== undefined) return entry;
  throw new Refusal("not_found", `${text} is not on the allowlist`, "see what is: knockctl allow list");
}

/** @returns the entry as `--json` prints it */
export function viewEntry(entry: AllowEntry, now: { wall: number; uptime: number }): AllowView {
  const { what, lookup, end } = entry;
  const network = parseNetwork(what);
  const failing = lookup?.failing ?? null;
  return {
    what,
    kind: lookup !== null ? "name" : network?.ok && network.network.includes("/") ? "network" : "address",
    addresses: [...entry.addresses],
    services: [...entry.services],
    note: entry.note,
    added: new Date(entry.added).toISOString(),
    age: lookup?.answered == null ? null : Math.max(0, Math.round((now.wall - lookup.answered) / 1000)),
    failing: failing && { since: new Date(failing.since).toISOString(), why: failing.why },
    expires: end && new Date(end.expires).toISOString(),
    left: end && Math.max(0, Math.round((end.ends - now.uptime) / 1000)),
  };
}

/** Networks that no entry names any more have left: sessions that they had may go on for keep_max. */
function leave(state: GateState, tx: Transaction, networks: readonly Network[], at: number): void {
  for (const network of networks) {
    if (state.allowlist.at(network).length === 0) tx.setLeft(network, at);
  }
}

/**
 * Looks whether a text may be on the allowlist at all.
 * @param wide the admin has said that a very wide network is meant
 * @returns what the entry is called by; its network, undefined for a name
 * @throws Refusal `usage` for what is neither address, network nor name; `refused` for what is never let in, or too wide
 */
export function allowable(text: string, wide: boolean): { what: string; network: Network | undefined } {
  const parsed = parseNetwork(text);
  if (parsed?.ok) {
    checkNetwork(parsed.network, wide);
    return { what: parsed.network, network: parsed.network };
  }
  if (parsed !== undefined) {
    const [host] = text.split("/");
    throw new Refusal(
      "usage",
      `${text} is no network: bits beyond its prefix are set`,
      `write ${parsed.meant} for the network, ${host} for the address`,
    );
  }
  const name = parseName(text);
  if (name !== undefined) return { what: name, network: undefined };
  throw new Refusal(
    "usage",
    `${JSON.stringify(text)} is no address, network or name`,
    "write 203.0.113.7, 203.0.113.0/24, 2001:db8::/32, or a name with a dot in it: sip.example.com",
  );
}

function checkNetwork(network: Network, wide: boolean): void {
  const prefix = prefixOf(network);
  const kind = kindOf(firstOf(network));
  // a very short prefix begins at a special address by accident: 0.0.0.0/0
  if (prefix.length >= 8 && kind !== "public" && kind !== "private")
    throw new Refusal(
      "refused",
      `${network} is ${kind}: never let in`,
      "give the addresses that the peer is seen from",
    );
  if (prefix.length >= WIDE[prefix.family] || wide) return;
  throw new Refusal(
    "refused",
    `${network} would let in ${sizeOf(prefix)} addresses`,
    "name a smaller network; or, if all of them are meant, say it with --yes",
  );
}

function endAt(iso: string, { now }: Transaction): End {
  const expires = Date.parse(iso);
  const length = milliseconds(expires - now.wall);
  if (length <= 0)
    throw new Refusal("refused", `${iso} is past`, "give a day to come, or none: then it stays");
  if (length > LONGEST)
    throw new Refusal("refused", `${iso} is more than three years away`, "leave the end out: then it stays");
  return { expires, ends: now.uptime + length, length };
}

function isSame(a: AllowEntry, b: AllowEntry): boolean {
  return (
    a.services.join() === b.services.join() &&
    a.note === b.note &&
    (a.end === null) === (b.end === null) &&
    Math.abs((a.end?.expires ?? 0) - (b.end?.expires ?? 0)) < 1_000
  );
}

const aboutOf = ({ what, services }: AllowEntry): string =>
  services.length === 0 ? what : `${what} for ${services.join(",")}`;

/** What is told of many faults. */
const TOLD = 20;

const summed = (lines: readonly string[]): string =>
  [...lines.slice(0, TOLD), ...(lines.length > TOLD ? [`and ${lines.length - TOLD} more`] : [])].join("\n");
