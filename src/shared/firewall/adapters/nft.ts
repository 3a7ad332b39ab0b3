import { type Duration, milliseconds } from "../../duration.ts";
import { changesProblem, changesText } from "../changes.ts";
import { failure, failureFrom, foreignTable } from "../failure.ts";
import type { Change, Element, Firewall, FirewallOutcome, TablePlan, TableState } from "../firewall.ts";
import { type Listing, readListing } from "../listing.ts";
import { removalText, rulesetText } from "../ruleset.ts";
import { readSets } from "../set-json.ts";
import { ownerProblem, TABLE } from "../table.ts";
import { NftCommand } from "./nft-command.ts";
import { NftMonitor } from "./nft-monitor.ts";
import { NftSession, SessionDoubt } from "./nft-session.ts";

/** Longer texts go through a one-shot nft: line editing is slow with long lines. */
const SESSION_LINE = 8_000;

/** How nft is reached. */
export interface NftOptions {
  /** The program and what comes before its arguments, e.g. `nsenter -t 4711 -n nft`. Default: `nft`. */
  readonly command?: readonly string[];
}

/**
 * Opens the Firewall of this network namespace. Starts nothing that stays: children come with the first change
 * and the first watch.
 * @throws FirewallError when nft is missing or may not read the firewall
 */
export async function openNft({ command = ["nft"] }: NftOptions = {}): Promise<Firewall> {
  const nft = new NftCommand(command);
  await nft.read(["-t", "list", "ruleset", "inet"]);
  return new NftFirewall(nft);
}

/** The Firewall on nftables. */
class NftFirewall implements Firewall {
  readonly #session: NftSession;
  /** bounded: one entry a watch() not yet stopped. */
  readonly #monitors = new Set<NftMonitor>();
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
      const { owner, fingerprint, drops } = table;
      if (owner !== (this.#installed?.owner ?? owner) || owner === "") return { state: "foreign", owner };
      return { state: fingerprint === this.#installed?.fingerprint ? "ok" : "altered", owner, drops };
    });
  }

  install(plan: TablePlan): Promise<FirewallOutcome> {
    return this.#inTurn(async () => {
      const problem = ownerProblem(plan.owner);
      if (problem !== undefined) return failure("refused", problem);
      const before = await this.#list();
      if (before !== undefined && before.owner !== plan.owner) return foreignTable(before.owner);
      const outcome = await this.#load(plan, before);
      const after = outcome.ok ? await this.#list() : undefined;
      if (after !== undefined) this.#installed = after;
      return outcome;
    });
  }

  change(changes: readonly Change[]): Promise<FirewallOutcome> {
    const problem = changesProblem(changes);
    if (problem !== undefined) return Promise.resolve(failure("refused", problem));
    if (changes.length === 0) return Promise.resolve({ ok: true });
    const asked = performance.now();
    return this.#inTurn(() => this.#change(changes, () => milliseconds(performance.now() - asked)));
  }

  async elements(sets: readonly string[]): Promise<Element[]> {
    if (sets.length === 0) return [];
    // Interactive, because there each line is a command of its own: a set that is missing fails alone. In one
    // `nft -j -f -`, several `list set` of nft 1.0.6 hide each other.
    const lines = sets.map((set) => `list set ${TABLE} ${set}\n`).join("");
    return readSets((await this.nft.read(["-j", "-i"], lines)).stdout);
  }

  remove(owner: string): Promise<FirewallOutcome> {
    return this.#inTurn(async () => {
      const table = await this.#list();
      if (table === undefined) return { ok: true };
      if (table.owner !== owner) return foreignTable(table.owner);
      const outcome = await this.nft.load(`delete table ${TABLE}\n`);
      return !outcome.ok && outcome.why === "missing" ? { ok: true } : outcome;
    });
  }

  watch(disturbed: () => void): () => void {
    const monitor = new NftMonitor(this.nft, disturbed);
    this.#monitors.add(monitor);
    return () => {
      this.#monitors.delete(monitor);
      void monitor.stop();
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#monitors].map((monitor) => monitor.stop()));
    this.#monitors.clear();
    await this.#inTurn(() => this.#session.close());
  }

  async #list(): Promise<Listing | undefined> {
    return readListing((await this.nft.read(["-t", "list", "ruleset", "inet"])).stdout);
  }

  /** Loads a plan over what is there; when a set or base chain of another shape is in the way, in place of it. */
  async #load(plan: TablePlan, before: Listing | undefined): Promise<FirewallOutcome> {
    const text = rulesetText(plan);
    const outcome = await this.nft.load(before === undefined ? text : text + removalText(before.names, plan));
    if (outcome.ok || before === undefined || !["refused", "missing"].includes(outcome.why)) return outcome;
    const anew = await this.nft.load(`add table ${TABLE}\ndelete table ${TABLE}\n${text}`);
    return anew.ok ? { ok: true, rebuilt: true } : outcome;
  }

  async #change(changes: readonly Change[], late: () => Duration): Promise<FirewallOutcome> {
    const line = changesText(changes, late());
    if (line.length > SESSION_LINE) return this.nft.load(`${line}\n`);
    try {
      const answer = await this.#session.ask(line);
      return answer === "" ? { ok: true } : failureFrom(answer);
    } catch (error) {
      if (!(error instanceof SessionDoubt)) throw error;
      // Carried out or not: a put and a drop may be repeated, with the time that has passed taken off.
      return this.nft.load(`${changesText(changes, late())}\n`);
    }
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
