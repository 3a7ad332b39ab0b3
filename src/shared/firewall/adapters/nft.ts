import { type Duration, milliseconds } from "../../duration.ts";
import { changesProblem, changesText, withoutBelief } from "../changes.ts";
import { failure, failureFrom, foreignTable } from "../failure.ts";
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
import { OwnWrites } from "../own-writes.ts";
import { removalText, rulesetText } from "../ruleset.ts";
import { readSets } from "../set-json.ts";
import { ownerProblem, TABLE } from "../table.ts";
import { NftCommand } from "./nft-command.ts";
import { NftMonitor } from "./nft-monitor.ts";
import { NftSession, SessionDoubt } from "./nft-session.ts";

/**
 * Lateness is counted in steps, upwards: a text that was handed ahead is still right within its step, and every
 * hole closes by up to that much sooner.
 */
const LATENESS = 25;

/** Longer texts go through a one-shot nft: line editing is slow with long lines. */
const SESSION_LINE = 8_000;

/** A line without a command: the session answers, and nothing happens. */
const NOTHING = "";

/** How nft is reached. */
export interface NftOptions {
  /** The program and what comes before its arguments, e.g. `nsenter -t 4711 -n nft`. Default: `nft`. */
  readonly command?: readonly string[];
}

/**
 * Opens the Firewall of this network namespace. Starts nothing: children come with the first use, so that an
 * admin without nft, or without the right to use it, can still list and add users.
 */
export function openNft({ command = ["nft"] }: NftOptions = {}): Firewall {
  return new NftFirewall(new NftCommand(command));
}

/** The Firewall on nftables. */
class NftFirewall implements Firewall {
  readonly #session: NftSession;
  readonly #writes = new OwnWrites();
  /** bounded: one entry a watch() not yet stopped. While there is one, so is the monitor. */
  readonly #watchers = new Set<{ readonly disturbed: () => void }>();
  #monitor: NftMonitor | undefined;
  #installed: { readonly owner: string; readonly fingerprint: string } | undefined;
  /** What writes, or compares with what was written, happens in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly nft: NftCommand) {
    this.#session = new NftSession(nft);
  }

  state(): Promise<TableState> {
    return this.#inTurn(async () => {
      const table = await this.#list();
      if (table === undefined) return { state: "missing" };
      const { owner, fingerprint, drops, reported } = table;
      if (owner !== (this.#installed?.owner ?? owner) || owner === "") return { state: "foreign", owner };
      return {
        state: fingerprint === this.#installed?.fingerprint ? "ok" : "altered",
        owner,
        drops,
        reported,
      };
    });
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
      if (outcome.ok) this.#session.ready(noChange(plan));
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
    const late = (): Duration => milliseconds(LATENESS * Math.ceil((performance.now() - asked) / LATENESS));
    return this.#inTurn(async () => {
      if (after !== undefined) await this.#readAhead(changesText(changes, late()), after);
      return this.#change(changes, late);
    });
  }

  /** Lets nft read a text while something else is waited for. */
  async #readAhead(line: string, after: Promise<unknown>): Promise<void> {
    if (line.length <= SESSION_LINE) this.#session.ahead(line);
    try {
      await after;
    } catch (error) {
      await this.#session.close();
      throw error;
    }
  }

  async elements(sets: readonly string[]): Promise<Element[]> {
    if (sets.length === 0) return [];
    // Interactive, because there each line is a command of its own: a set that is missing fails alone. In one
    // `nft -j -f -`, several `list set` of nft 1.0.6 hide each other.
    const lines = sets.map((set) => `list set ${TABLE} ${set}\n`).join("");
    const { stdout, stderr } = await this.nft.read(["-j", "-i"], lines);
    const broken = stderr.split("\n").find((line) => /Error: (?!No such file or directory)/.test(line));
    if (broken !== undefined) throw new FirewallError(`nft: ${broken}`, "look at: nft list ruleset");
    return readSets(stdout);
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

  /** A session in doubt is replaced; a fresh one that does not answer either is a fault of the world. */
  probe(): Promise<void> {
    return this.#inTurn(async () => {
      const answer = await this.#session.ask(NOTHING).catch(() => this.#session.ask(NOTHING));
      if (answer !== "") throw new FirewallError(`nft: ${answer}`, "look at: nft list ruleset");
    }).catch((error) => {
      if (!(error instanceof SessionDoubt)) throw error;
      throw new FirewallError(
        `nft -i does not answer: ${error.message}`,
        "look at the host's load and at dmesg",
      );
    });
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    await this.#stopMonitor();
    await this.#inTurn(() => this.#session.close());
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

  async #change(changes: readonly Change[], late: () => Duration): Promise<FirewallOutcome> {
    const outcome = await this.#carryOut(changes, late);
    if (outcome.ok || outcome.why !== "refused") return outcome;
    // Something that was believed to be fresh was there: nothing was changed, and the longer way always works.
    const known = withoutBelief(changes);
    return known.some((change, at) => change !== changes[at]) ? this.#carryOut(known, late) : outcome;
  }

  async #carryOut(changes: readonly Change[], late: () => Duration): Promise<FirewallOutcome> {
    const line = changesText(changes, late());
    if (line.length > SESSION_LINE) return this.#load(`${line}\n`);
    try {
      return await this.#write(async () => {
        const answer = await this.#session.ask(line);
        return answer === "" ? { ok: true } : failureFrom(answer);
      });
    } catch (error) {
      if (!(error instanceof SessionDoubt)) throw error;
      // Carried out or not: a put and a drop may be repeated, with the time that has passed taken off.
      return this.#load(`${changesText(withoutBelief(changes), late())}\n`);
    }
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

/**
 * A command that changes nothing: it adds a knock port that is there. nft reads what it must know of the table for
 * it, and for the next change knows it already, as long as nobody changes a rule in between.
 */
function noChange({ knockUdp: [port] }: TablePlan): string | undefined {
  return port === undefined ? undefined : `add element ${TABLE} knock_udp { ${port} }`;
}
