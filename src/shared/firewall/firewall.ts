import type { Duration } from "../duration.ts";
import type { Prefix } from "../network.ts";
import type { Breathe } from "../slices.ts";
import type { Policy } from "./policy.ts";

/** One element of one of our sets, as it should be or as it was read. */
export interface Element {
  /** Set name, e.g. `ssh4`. */
  readonly set: string;
  /** The key as nft writes it: `192.0.2.1`, `2001:db8:1:2::` in a /64 set, `192.0.2.1 . 51234 . 22`, `ipv4`. */
  readonly key: string;
  /**
   * Time left, at least 1 ms; counted from the call of `change`. Infinity: permanent, which only the sets of the
   * allowlist take; where one is read from another set, somebody else put it there.
   */
  readonly ttl: Duration;
  /** For people who read `nft list`; never parsed. At most 128 characters, no quotes. */
  readonly comment?: string;
}

/** One step of a transaction on set elements. */
export type Change =
  | ({ readonly op: "put" } & Element)
  | { readonly op: "drop"; readonly set: string; readonly key: string };

/** The rules' part of the table: what `install` loads. Elements of grants are not in it. */
export interface TablePlan {
  /** The state folder: the table's comment names it, and the table of another owner is refused. */
  readonly owner: string;
  readonly current: Policy;
  /** A policy on trial: entered only while set `trial` holds the packet's family. */
  readonly candidate?: Policy;
  /** UDP knock ports and decoys really bound by knockd; empty while none runs. */
  readonly knockUdp: readonly number[];
  /** TCP knock ports and decoys whose SYNs are reported to KNOCK_GROUP; empty while nobody reads them. */
  readonly knockTcp: readonly number[];
  /** Prefix lengths that the allowlist has networks of, none twice: each service has a set for each of them. */
  readonly prefixes: readonly Prefix[];
  /** Elements are still to come: until then whoever has none waits unanswered, for a reset would end a good session. */
  readonly filling?: true;
}

/** Why a change of the firewall failed. `foreign`: the table belongs to another instance. */
export type FirewallFailure = "foreign" | "missing" | "full" | "denied" | "unavailable" | "refused";

/**
 * What a change came to. A failure changed nothing: every change is one transaction. `rebuilt`: the table had
 * another shape and was made anew, so the elements of every set are gone and must be put back.
 */
export type FirewallOutcome =
  | { readonly ok: true; readonly rebuilt?: true }
  | { readonly ok: false; readonly why: FirewallFailure; readonly message: string };

/** Knocks that the kernel dropped before we could see them, since the table was made. */
export interface KernelDrops {
  readonly scanner: number;
  readonly rate: number;
  readonly global: number;
}

/**
 * What the kernel holds now. `altered`: its rules or sets are not those that this Firewall last installed; always
 * so before its first install. `foreign`: the owner is not that of the last install, or the table names none (`owner`
 * is then empty); before the first install compare `owner` yourself.
 */
export type TableState =
  | { readonly state: "missing" }
  | { readonly state: "foreign"; readonly owner: string }
  | {
      readonly state: "ok" | "altered";
      readonly owner: string;
      readonly drops: KernelDrops;
    };

/**
 * The port to the kernel's packet filter. Two implementations pass one contract suite: nftables
 * (`adapters/nft.ts`) and an in-memory fake (`fake.ts`). What the filter says no to is an outcome; where it cannot be
 * asked at all, `state`, `install`, `change`, `elements`, `generation`, `reported`, `remove` and `probe` throw FirewallError.
 */
export interface Firewall {
  /**
   * Reads the table without its elements; what is being installed meanwhile may be seen half way, as `altered`.
   * @throws FirewallError
   */
  state(): Promise<TableState>;
  /**
   * Makes the table's rules and sets those of the plan, in one transaction: safe to repeat, keeps the elements
   * of every set that stays, removes sets and chains that are in the plan no more.
   * @throws FirewallError
   */
  install(plan: TablePlan): Promise<FirewallOutcome>;
  /**
   * Applies changes in order, all or none. `put` sets the time left whether it was there or not (longer or
   * shorter); `drop` of what is not there is fine.
   * @param after nothing takes effect before it resolves; when it rejects nothing ever does, and so does the answer
   * @throws FirewallError, after which it is not known whether the changes were made
   */
  change(changes: readonly Change[], after?: Promise<unknown>): Promise<FirewallOutcome>;
  /** Makes ready what `change` would send, and sends nothing: the next change is made sooner. Never throws. */
  rehearse(changes: readonly Change[]): void;
  /**
   * Reads the elements of the named sets with their time left; a set that does not exist counts as empty. While a set
   * grows or elements end, the kernel may leave some out: whoever misses one looks again.
   * @param breathe called between slices of a long listing
   * @throws FirewallError, also for a set that changes too fast to be listed
   */
  elements(sets: readonly string[], breathe?: Breathe): Promise<Element[]>;
  /**
   * Counts everybody's transactions on this packet filter: while it is the same, nobody has changed anything. Elements that
   * end by themselves do not count. Cheap: one question.
   * @throws FirewallError
   */
  generation(): Promise<number>;
  /** How many TCP knocks it has told us of since the table was made; 0 where there is none. Cheap too. @throws FirewallError */
  reported(): Promise<number>;
  /** Removes the whole table; fine when there is none. Refuses the table of another owner. @throws FirewallError */
  remove(owner: string): Promise<FirewallOutcome>;
  /** Calls back soon after somebody else changed or removed our table. @returns the function that stops it. */
  watch(disturbed: () => void): () => void;
  /** Proves that a change would be carried out at once: goes the way of one and changes nothing. @throws FirewallError */
  probe(): Promise<void>;
  /** Ends child processes; the table stays. */
  close(): Promise<void>;
}

/** The filter cannot be asked: nft is missing, may not be run (`denied`), or does not answer. `cure` says what to do. */
export class FirewallError extends Error {
  constructor(
    message: string,
    readonly cure: string,
    readonly why: FirewallFailure = "unavailable",
  ) {
    super(message);
    this.name = "FirewallError";
  }
}
