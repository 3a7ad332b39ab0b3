import { type Address, prefix64 } from "../address.ts";
import { type Grant, isLive, type Revocation } from "./grant.ts";

/** How many grants the ledger holds, live and lately closed, and how many revocations: the kernel's sets take 65,536 elements each. */
export const MAX_GRANTS = 60_000;

/**
 * All grants that matter now: live ones, and closed ones whose TCP sessions may go on. The truth of which the
 * kernel's sets are the projection.
 */
export class Ledger {
  // bounded: MAX_GRANTS, checked where a grant is opened; each index holds the same grants
  readonly #grants = new Map<string, Grant>();
  readonly #byUser = new Map<string, Map<string, Grant>>();
  readonly #byPrefix = new Map<Address, Map<string, Grant>>();
  readonly #knocked = new Map<string, Grant[]>();
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
    return this.#knocked.get(user) ?? [];
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
    if (before !== undefined) this.#leaveKnocked(before);
    this.#joinKnocked(grant);
    return before;
  }

  /** Forgets a grant. @returns what stood there */
  remove(id: string): Grant | undefined {
    const before = this.#grants.get(id);
    if (before === undefined) return undefined;
    this.#grants.delete(id);
    unindex(this.#byPrefix, prefix64(before.address), id);
    if (before.user !== null) unindex(this.#byUser, before.user, id);
    this.#leaveKnocked(before);
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

  /** Nearly always at the end: what is put was renewed just now. */
  #joinKnocked(grant: Grant): void {
    if (!isOpenKnock(grant)) return;
    const knocked = this.#knocked.get(grant.user);
    if (knocked === undefined) this.#knocked.set(grant.user, [grant]);
    else knocked.splice(knocked.findLastIndex(({ renewed }) => renewed <= grant.renewed) + 1, 0, grant);
  }

  #leaveKnocked(grant: Grant): void {
    if (!isOpenKnock(grant)) return;
    const knocked = this.#knocked.get(grant.user) ?? [];
    if (knocked.length > 1) knocked.splice(knocked.indexOf(grant), 1);
    else this.#knocked.delete(grant.user);
  }
}

function isOpenKnock(grant: Grant): grant is Grant & { user: string } {
  return grant.by === "knock" && grant.closed === undefined && grant.user !== null;
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
