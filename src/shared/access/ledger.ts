import { type Address, prefix64 } from "../address.ts";
import { type Grant, isLive, type Revocation } from "./grant.ts";

/** How many grants the ledger holds, live and lately closed, and how many revocations: the kernel's sets take 65,536 elements each. */
export const MAX_GRANTS = 60_000;

/** How many of them knocks may take: whoever knows a sequence and forges sources leaves room for the phone and the admin. */
export const MAX_KNOCKED = MAX_GRANTS - 2_000;

/**
 * How many of a user's ended knocks are remembered for their sessions (as many as may be open at once, where that is
 * more): a traveller who changes networks leaves a handful in keep_max, a forger thousands a second.
 */
export const MAX_ENDED = 64;

/**
 * All grants that matter now: live ones, and closed ones whose TCP sessions may go on. The truth of which the
 * kernel's sets are the projection.
 */
export class Ledger {
  // bounded: MAX_GRANTS, checked where a grant is opened; each index holds the same grants
  readonly #grants = new Map<string, Grant>();
  readonly #byUser = new Map<string, Map<string, Grant>>();
  readonly #byPrefix = new Map<Address, Map<string, Grant>>();
  readonly #knocked = new Ranks(({ renewed }) => renewed);
  readonly #ended = new Ranks(({ ends }) => ends);
  // bounded: MAX_GRANTS, checked where one is made; dropped when conntrack has forgotten the session
  readonly #revocations = new Map<Address, Revocation>();

  get size(): number {
    return this.#grants.size;
  }

  get(id: string): Grant | undefined {
    return this.#grants.get(id);
  }

  /** Every grant, oldest first. */
  all(): IterableIterator<Grant> {
    return this.#grants.values();
  }

  /** Live grants, oldest first. */
  live(uptime: number): Grant[] {
    return [...this.#grants.values()].filter((grant) => isLive(grant, uptime));
  }

  hasLive(uptime: number): boolean {
    for (const grant of this.#grants.values()) if (isLive(grant, uptime)) return true;
    return false;
  }

  ofUser(user: string): Grant[] {
    return [...(this.#byUser.get(user)?.values() ?? [])];
  }

  /** A user's knocks that nobody has closed, the one renewed longest ago first. Not to be kept: it changes. */
  knocked(user: string): readonly Grant[] {
    return this.#knocked.of(user);
  }

  /** A user's knocks that are over but remembered, the one that ended first first. Not to be kept: it changes. */
  ended(user: string): readonly Grant[] {
    return this.#ended.of(user);
  }

  /** Grants for addresses in the same IPv6 /64 (IPv4: for the same address). */
  nearby(address: Address): Grant[] {
    return [...(this.#byPrefix.get(prefix64(address))?.values() ?? [])];
  }

  ofAddress(address: Address): Grant[] {
    return this.nearby(address).filter((grant) => grant.address === address);
  }

  /** Adds or replaces a grant. @returns what stood there before */
  put(grant: Grant): Grant | undefined {
    const before = this.#grants.get(grant.id);
    this.#grants.set(grant.id, grant);
    index(this.#byPrefix, prefix64(grant.address), grant);
    if (grant.user !== null) index(this.#byUser, grant.user, grant);
    if (before !== undefined) this.#ranksOf(before)?.leave(before);
    this.#ranksOf(grant)?.join(grant);
    return before;
  }

  /** Forgets a grant. @returns what stood there */
  remove(id: string): Grant | undefined {
    const before = this.#grants.get(id);
    if (before === undefined) return undefined;
    this.#grants.delete(id);
    unindex(this.#byPrefix, prefix64(before.address), id);
    if (before.user !== null) unindex(this.#byUser, before.user, id);
    this.#ranksOf(before)?.leave(before);
    return before;
  }

  /** How many addresses have sessions cut. */
  get revoked(): number {
    return this.#revocations.size;
  }

  /** Oldest first. */
  revocations(): IterableIterator<Revocation> {
    return this.#revocations.values();
  }

  revocation(address: Address): Revocation | undefined {
    return this.#revocations.get(address);
  }

  /** Sets or (undefined) lifts the revocation of an address. @returns what stood there before */
  setRevocation(address: Address, revocation: Revocation | undefined): Revocation | undefined {
    const before = this.#revocations.get(address);
    if (revocation === undefined) this.#revocations.delete(address);
    else this.#revocations.set(address, revocation);
    return before;
  }

  #ranksOf({ by, user, closed }: Grant): Ranks | undefined {
    if (by !== "knock" || user === null) return undefined;
    return closed === undefined ? this.#knocked : this.#ended;
  }
}

/** Some grants of each user, in order. */
class Ranks {
  // bounded: holds grants of the ledger
  readonly #byUser = new Map<string | null, Grant[]>();
  readonly #place: (grant: Grant) => number;

  constructor(place: (grant: Grant) => number) {
    this.#place = place;
  }

  of(user: string): readonly Grant[] {
    return this.#byUser.get(user) ?? [];
  }

  /** Nearly always at the end: what is put was renewed, or ended, just now. */
  join(grant: Grant): void {
    const there = this.#byUser.get(grant.user);
    const place = this.#place(grant);
    if (there === undefined) this.#byUser.set(grant.user, [grant]);
    else there.splice(there.findLastIndex((other) => this.#place(other) <= place) + 1, 0, grant);
  }

  leave(grant: Grant): void {
    const there = this.#byUser.get(grant.user) ?? [];
    if (there.length > 1) there.splice(there.indexOf(grant), 1);
    else this.#byUser.delete(grant.user);
  }
}

function index<K>(map: Map<K, Map<string, Grant>>, key: K, grant: Grant): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, new Map([[grant.id, grant]]));
  else there.set(grant.id, grant);
}

function unindex<K>(map: Map<K, Map<string, Grant>>, key: K, id: string): void {
  const there = map.get(key);
  there?.delete(id);
  if (there?.size === 0) map.delete(key);
}
