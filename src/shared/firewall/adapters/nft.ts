import { type Duration, milliseconds } from "../../duration.ts";
import type { Breathe } from "../../slices.ts";
import { changesProblem } from "../changes.ts";
import { failure, foreignTable } from "../failure.ts";
import {
  type Change,
  type Element,
  type Firewall,
  FirewallError,
  type FirewallOutcome,
  type TablePlan,
  type TableState,
} from "../firewall.ts";
import { type Listing, readListing } from "../listing.ts";
import type { Request } from "../netlink/elements.ts";
import { OwnWrites } from "../own-writes.ts";
import { removalText, rulesetText } from "../ruleset.ts";
import { ownerProblem, TABLE } from "../table.ts";
import { NetlinkElements } from "./netlink-elements.ts";
import { NftCommand } from "./nft-command.ts";
import { NftMonitor } from "./nft-monitor.ts";

/**
 * What waits for the disk is prepared meanwhile, as if the disk took so long: every hole closes by up to that much
 * sooner, and after a longer wait by what was waited.
 */
const SOON = milliseconds(25);

/** How the packet filter is reached. */
export interface NftOptions {
  /** The program and what comes before its arguments, e.g. `nsenter -t 4711 -n nft`. Default: `nft`. */
  readonly command?: readonly string[];
  /** The network namespace that the command is run in, e.g. `/proc/4711/ns/net`. Default: this process's own. */
  readonly netns?: string;
}

/**
 * Opens the Firewall of a network namespace: rules by nft, the elements of sets by netlink. Starts and opens nothing
 * before the first use, so that an admin without nft, or without the right to use it, can still list and add users.
 */
export function openNft({ command = ["nft"], netns }: NftOptions = {}): Firewall {
  return new NftFirewall(new NftCommand(command), new NetlinkElements(netns));
}

/** The Firewall on nftables. */
class NftFirewall implements Firewall {
  readonly #writes = new OwnWrites();
  /** bounded: one entry a watch() not yet stopped. While there is one, so is the monitor. */
  readonly #watchers = new Set<{ readonly disturbed: () => void }>();
  #monitor: NftMonitor | undefined;
  #installed: { readonly owner: string; readonly fingerprint: string } | undefined;
  /** What writes happens in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly nft: NftCommand,
    private readonly kernel: NetlinkElements,
  ) {}

  /** Not in turn: changes need not wait for nft. */
  async state(): Promise<TableState> {
    const table = await this.#list();
    if (table === undefined) return { state: "missing" };
    const { owner, fingerprint, drops } = table;
    if (owner !== (this.#installed?.owner ?? owner) || owner === "") return { state: "foreign", owner };
    return {
      state: fingerprint === this.#installed?.fingerprint ? "ok" : "altered",
      owner,
      drops,
    };
  }

  install(plan: TablePlan): Promise<FirewallOutcome> {
    return this.#inTurn(async () => {
      const problem = ownerProblem(plan.owner);
      if (problem !== undefined) return failure("refused", problem);
      const before = await this.#list();
      if (before !== undefined && before.owner !== plan.owner) return foreignTable(before.owner);
      const outcome = await this.#place(plan, before);
      const after = outcome.ok ? await this.#list() : undefined;
      if (after !== undefined) this.#installed = after;
      return outcome;
    });
  }

  async change(changes: readonly Change[], after?: Promise<unknown>): Promise<FirewallOutcome> {
    const problem = changesProblem(changes);
    if (problem !== undefined || changes.length === 0) {
      await after;
      return problem === undefined ? { ok: true } : failure("refused", problem);
    }
    const asked = performance.now();
    return this.#inTurn(async () => {
      const late = (): Duration => milliseconds(performance.now() - asked);
      const early = after && this.kernel.request(changes, SOON, true);
      await after;
      const isInTime = early !== undefined && late() <= SOON;
      return this.#write(() => this.#change(changes, late, isInTime ? early : undefined));
    });
  }

  rehearse(changes: readonly Change[]): void {
    if (changes.length > 0 && changesProblem(changes) === undefined) this.kernel.request(changes, SOON, true);
  }

  /** Nearly all that is put is new. Of what is there somewhere nothing was changed, and the longer way always works. */
  async #change(changes: readonly Change[], late: () => Duration, early?: Request): Promise<FirewallOutcome> {
    const outcome = await this.kernel.carryOut(early ?? this.kernel.request(changes, late(), true));
    if (outcome !== "exists") return outcome;
    const again = await this.kernel.carryOut(this.kernel.request(changes, late(), false));
    return again === "exists" ? failure("refused", "an element appears again and again") : again;
  }

  elements(sets: readonly string[], breathe?: Breathe): Promise<Element[]> {
    return this.kernel.list(sets, breathe);
  }

  generation(): Promise<number> {
    return this.kernel.generation();
  }

  reported(): Promise<number> {
    return this.kernel.packets("k_reported");
  }

  remove(owner: string): Promise<FirewallOutcome> {
    return this.#inTurn(async () => {
      const table = await this.#list();
      if (table === undefined) return { ok: true };
      if (table.owner !== owner) return foreignTable(table.owner);
      const outcome = await this.#load(`delete table ${TABLE}\n`);
      return !outcome.ok && outcome.why === "missing" ? { ok: true } : outcome;
    });
  }

  watch(disturbed: () => void): () => void {
    const watcher = { disturbed };
    this.#watchers.add(watcher);
    this.#monitor ??= new NftMonitor(this.nft, this.#writes, () => {
      for (const each of [...this.#watchers]) each.disturbed();
    });
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) void this.#stopMonitor();
    };
  }

  /** A drop from a set that is not there is refused by the kernel, after all that a change has to wait for. */
  probe(): Promise<void> {
    return this.#inTurn(async () => {
      const outcome = await this.#change([NO_CHANGE], () => milliseconds(0));
      if (outcome.ok || outcome.why === "missing") return;
      throw new FirewallError(outcome.message, "look at: nft list ruleset");
    });
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    await this.#stopMonitor();
    await this.#inTurn(async () => this.kernel.close());
  }

  async #stopMonitor(): Promise<void> {
    const monitor = this.#monitor;
    this.#monitor = undefined;
    await monitor?.stop();
  }

  async #list(): Promise<Listing | undefined> {
    return readListing((await this.nft.read(["-t", "list", "ruleset", "inet"])).stdout);
  }

  /** Loads a plan over what is there; when a set or base chain of another shape is in the way, in place of it. */
  async #place(plan: TablePlan, before: Listing | undefined): Promise<FirewallOutcome> {
    const text = rulesetText(plan);
    const outcome = await this.#load(before === undefined ? text : text + removalText(before.names, plan));
    if (outcome.ok || before === undefined || !["refused", "missing"].includes(outcome.why)) return outcome;
    const anew = await this.#load(`add table ${TABLE}\ndelete table ${TABLE}\n${text}`);
    return anew.ok ? { ok: true, rebuilt: true } : outcome;
  }

  #load(text: string): Promise<FirewallOutcome> {
    return this.#write(() => this.nft.load(text));
  }

  /** Lets the monitor know which transactions are ours. */
  async #write(transaction: () => Promise<FirewallOutcome>): Promise<FirewallOutcome> {
    this.#writes.sent(performance.now());
    const outcome = await transaction();
    if (!outcome.ok && this.#writes.refused(performance.now())) this.#monitor?.report();
    return outcome;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Not a name that a set of ours can have: they are at most 19 characters long, a service's 14 and `6_128`. */
const NO_CHANGE: Change = { op: "drop", set: "there_is_no_such_set_of_ours", key: "192.0.2.1" };
