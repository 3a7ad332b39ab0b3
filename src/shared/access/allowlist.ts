import type { Duration } from "../duration.ts";
import { HOST_PREFIXES, type Network, networkAround, type Prefix, prefixOf } from "../network.ts";

/** How many entries the allowlist takes. */
export const MAX_ENTRIES = 20_000;

/** How many networks that have left are remembered. */
export const MAX_LEFT = 60_000;

/** When something ends: by the wall clock, by this boot's uptime (what counts), and how long it was when it was set. ms */
export interface End {
  readonly expires: number;
  readonly ends: number;
  readonly length: Duration;
}

/** What is known of a name's look-ups. */
export interface Lookup {
  /** Wall clock ms of the last good answer; null: there was none yet. */
  readonly answered: number | null;
  /** Since when and why the addresses could not be confirmed; null: the last answer was good. */
  readonly failing: { readonly since: number; readonly why: string } | null;
}

/** Who is let in for good, or until a day, without a knock. Never changed, only replaced. */
export interface AllowEntry {
  /** An address, a network or a DNS name, canonical: what the entry is called by. */
  readonly what: string;
  /** Empty: every service, and under guard "everything" every port. */
  readonly services: readonly string[];
  readonly note: string | null;
  /** Wall clock ms. */
  readonly added: number;
  /** null: it stays. */
  readonly end: End | null;
  /** What is let in: of a name, the last good answer. bounded: MAX_ADDRESSES a family (names/answer.ts) */
  readonly addresses: readonly Network[];
  /** null: not a name. */
  readonly lookup: Lookup | null;
}

/** @returns true while the entry lets in. */
export const isInForce = ({ end }: AllowEntry, uptime: number): boolean => end === null || end.ends > uptime;

/**
 * All entries, and the networks whose TCP sessions may go on for a while after their last entry. The truth of which
 * the allowlist's sets in the kernel are the projection.
 */
export class Allowlist {
  // bounded: MAX_ENTRIES, checked where one is added; the indexes hold the same entries
  readonly #entries = new Map<string, AllowEntry>();
  readonly #byNetwork = new Map<Network, Set<string>>();
  // bounded: what left in the last keep_max; at most MAX_LEFT, the oldest forgotten
  readonly #left = new Map<Network, number>();
  /** How many networks have each prefix, as `family/length`. bounded: 162 prefixes */
  readonly #prefixes = new Map<string, { prefix: Prefix; count: number }>();

  constructor() {
    for (const prefix of HOST_PREFIXES) this.#count(prefix, 1);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(what: string): AllowEntry | undefined {
    return this.#entries.get(what);
  }

  /** Every entry, oldest first. */
  all(): IterableIterator<AllowEntry> {
    return this.#entries.values();
  }

  /** The entries for exactly this network. */
  at(network: Network): AllowEntry[] {
    return [...(this.#byNetwork.get(network) ?? [])].flatMap((what) => this.#entries.get(what) ?? []);
  }

  /** The entries whose networks hold the whole of this one. */
  covering(network: Network): AllowEntry[] {
    const { family, length } = prefixOf(network);
    const around = this.prefixes()
      .filter((prefix) => prefix.family === family && prefix.length <= length)
      .flatMap((prefix) => this.at(networkAround(network, prefix.length)));
    return [...new Set(around)];
  }

  /** Every network that the kernel holds something for. */
  networks(): Network[] {
    return [...new Set([...this.#byNetwork.keys(), ...this.#left.keys()])];
  }

  /** The prefixes of all networks; those of single addresses are always among them. */
  prefixes(): Prefix[] {
    return [...this.#prefixes.values()].map(({ prefix }) => prefix);
  }

  /** Adds or replaces an entry. @returns what stood there before */
  put(entry: AllowEntry): AllowEntry | undefined {
    const before = this.#entries.get(entry.what);
    if (before !== undefined) this.#unindex(before);
    this.#entries.set(entry.what, entry);
    for (const network of entry.addresses) this.#index(network, entry.what);
    return before;
  }

  /** Forgets an entry. @returns what stood there */
  remove(what: string): AllowEntry | undefined {
    const before = this.#entries.get(what);
    if (before !== undefined) this.#unindex(before);
    this.#entries.delete(what);
    return before;
  }

  /** When the network's last entry went: its sessions may go on for keep_max. Uptime ms. */
  left(network: Network): number | undefined {
    return this.#left.get(network);
  }

  /** How many networks have left lately. */
  get leaving(): number {
    return this.#left.size;
  }

  /** Networks that have left, oldest first. */
  leavers(): IterableIterator<[Network, number]> {
    return this.#left.entries();
  }

  /** Sets or (undefined) forgets that a network left. @returns what stood there before */
  setLeft(network: Network, at: number | undefined): number | undefined {
    const before = this.#left.get(network);
    if (before !== undefined) this.#count(prefixOf(network), -1);
    this.#left.delete(network); // so that a new one is the youngest
    if (at !== undefined) {
      this.#left.set(network, at);
      this.#count(prefixOf(network), 1);
    }
    return before;
  }

  #index(network: Network, what: string): void {
    const there = this.#byNetwork.get(network);
    if (there === undefined) this.#byNetwork.set(network, new Set([what]));
    else there.add(what);
    this.#count(prefixOf(network), 1);
  }

  #unindex({ what, addresses }: AllowEntry): void {
    for (const network of addresses) {
      const there = this.#byNetwork.get(network);
      there?.delete(what);
      if (there?.size === 0) this.#byNetwork.delete(network);
      this.#count(prefixOf(network), -1);
    }
  }

  #count(prefix: Prefix, by: 1 | -1): void {
    const key = `${prefix.family}/${prefix.length}`;
    const count = (this.#prefixes.get(key)?.count ?? 0) + by;
    if (count === 0) this.#prefixes.delete(key);
    else this.#prefixes.set(key, { prefix, count });
  }
}
