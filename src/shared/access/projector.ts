import type { Clock } from "../duration.ts";
import { FIREWALL_CURES } from "../firewall/failure.ts";
import {
  type Change,
  type Element,
  type Firewall,
  FirewallError,
  type FirewallOutcome,
  type TablePlan,
  type TableState,
} from "../firewall/firewall.ts";
import type { Policy } from "../firewall/policy.ts";
import type { Log } from "../log/log.ts";
import type { Prefix } from "../network.ts";
import { type Breathe, inSlices } from "../slices.ts";
import { compare, TOLERANCE, type Wrong } from "./comparison.ts";
import { Picture } from "./picture.ts";
import { difference, project, projectAll, projectedSets, projectNetwork, put } from "./projection.ts";
import { type GateState, loadedPolicies, projectionRules } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** What is mended need not be mended in one piece, and the kernel holds everything up while it works. */
const AT_ONCE = 2_000;

/** Sets that `install` fills. nft prints them in words of its own (ranges), so they are compared as it printed them. */
const FILLED = ["trusted", "knock_udp", "knock_tcp"];

/**
 * Keeps the kernel the projection of the gate's state. What changes the kernel is called from the gate's one queue; `plan`,
 * `state`, `reported`, `isSettled`, `isRight` and `allowed` only look and need not be, so that nobody waits for them.
 */
export class Projector {
  /** UDP ports that knockd has bound. */
  knockUdp: readonly number[] = [];
  /** TCP ports whose SYNs knockd wants to see. */
  knockTcp: readonly number[] = [];
  readonly #firewall: Firewall;
  readonly #state: GateState;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #breathe: Breathe;
  /** What was in the FILLED sets after the last install. bounded: by the plan */
  #filled = "";
  /** Prefixes that the table has sets for; undefined before the first install. A set too many does no harm. */
  #prefixes: readonly Prefix[] | undefined;
  /** What was changed during each look that is under way. bounded: looks, a handful; what changes while one lasts */
  readonly #moved = new Set<Set<string>>();
  /** The packet filter's generation when all was right and nothing there would end: while it is that one, all still is. */
  #settled: number | undefined;
  /** Counts what may have made it otherwise, whether the kernel took it or not. */
  #attempts = 0;

  constructor(firewall: Firewall, state: GateState, clock: Clock, log: Log, breathe: Breathe) {
    this.#firewall = firewall;
    this.#state = state;
    this.#clock = clock;
    this.#log = log;
    this.#breathe = breathe;
  }

  /** @returns what the table should be made from; undefined when there should be none */
  plan(): TablePlan | undefined {
    const { confirmed, trial } = this.#state.firewall;
    const current = confirmed ?? (trial && closesNothing(trial.policy));
    if (current === null) return undefined;
    return {
      owner: this.#state.settings.paths.state,
      current,
      ...(trial === null ? {} : { candidate: trial.policy }),
      knockUdp: this.knockUdp,
      knockTcp: this.knockTcp,
      prefixes: this.#state.allowlist.prefixes(),
    };
  }

  /** What the kernel holds now. @throws FirewallError */
  state(): Promise<TableState> {
    return this.#firewall.state();
  }

  /**
   * Brings the changes of one transaction to the kernel. A table that is gone is made anew first.
   * @param written nothing reaches the kernel before it resolves, nothing at all when it rejects: then so does this
   * @throws FirewallError when the kernel did not take them: what it holds then is not known
   */
  async project(tx: Transaction, written: Promise<void>): Promise<void> {
    this.#unsettle();
    try {
      await this.#carryOut(tx, written);
    } finally {
      this.#unsettle(); // a look meanwhile may have compared with what was then taken back
    }
  }

  async #carryOut(tx: Transaction, written: Promise<void>): Promise<void> {
    if (tx.tableChanged) {
      await written;
      await this.#prepare(tx);
      return this.restore();
    }
    if (this.#lacksSets()) {
      await written;
      await this.install();
    }
    const changes = this.#changesOf(tx);
    for (const moved of this.#moved) for (const change of changes) moved.add(nameOf(change));
    if (changes.length === 0 || loadedPolicies(this.#state).length === 0) return written;
    const outcome = await this.#firewall.change(changes, written);
    if (!outcome.ok) {
      this.#log.warn("the kernel refused a change: making the table right first", {
        why: outcome.why,
        message: outcome.message,
      });
      await this.restore();
    }
  }

  /** Goes through what `project` would do, and does nothing of it. The transaction is not taken back yet. */
  rehearse(tx: Transaction): void {
    this.#firewall.rehearse(this.#changesOf(tx));
  }

  #changesOf(tx: Transaction): Change[] {
    const rules = projectionRules(this.#state);
    const { uptime } = this.#clock();
    const changes: Change[] = [];
    for (const [network, before] of tx.touched) {
      const after = new Picture(project(this.#state, network, uptime, rules));
      changes.push(...difference(before, after, uptime));
    }
    return changes;
  }

  /** Loads rules and sets anew; elements stay. @throws FirewallError */
  async install(): Promise<void> {
    const plan = this.plan();
    if (plan === undefined) return;
    if (await this.#load(plan)) await this.reconcile();
  }

  /**
   * Makes table and elements right from the ground: closing rules first, then the elements, and only then rules
   * that reset sessions without one. @throws FirewallError
   */
  async restore(): Promise<void> {
    const plan = this.plan();
    if (plan === undefined) return must(await this.#firewall.remove(this.#state.settings.paths.state));
    await this.#load({ ...plan, filling: true });
    await this.reconcile();
    await this.#load(plan);
  }

  /**
   * Compares elements with the ledger and mends them, those of the last seconds too. @returns how many were wrong.
   * @throws FirewallError
   */
  async reconcile(): Promise<number> {
    this.#unsettle();
    const { unknown, missing, meddled } = await this.#compare(0, this.#breathe);
    if (meddled) {
      this.#log.warn("trusted interfaces or knock ports were changed in the kernel: loaded anew");
      await this.install();
    }
    for (const { set, key } of unknown)
      this.#log.warn("an element that the ledger does not know was removed", { set, key });
    await this.#mend(unknown, ({ set, key }) => ({ op: "drop", set, key }));
    await this.#mend(missing, put); // the time left is that of the moment: thousands take a while
    return unknown.length + missing.length + Number(meddled);
  }

  async #mend<T>(wrong: readonly T[], change: (one: T, uptime: number) => Change): Promise<void> {
    for (let at = 0; at < wrong.length; at += AT_ONCE) {
      const { uptime } = this.#clock();
      must(await this.#firewall.change(wrong.slice(at, at + AT_ONCE).map((one) => change(one, uptime))));
      await this.#breathe();
    }
  }

  /** How many TCP knocks the kernel has told us of since the table was made. @throws FirewallError */
  reported(): Promise<number> {
    return this.#firewall.reported();
  }

  /**
   * Asks one question: whether nobody has changed anything since all was right. Where something ends by itself the answer
   * is no, for its time may be wrong by now. @throws FirewallError
   */
  async isSettled(): Promise<boolean> {
    return this.#settled !== undefined && (await this.#firewall.generation()) === this.#settled;
  }

  /**
   * Compares as well, but changes nothing and need not be called from the queue. What is changed meanwhile is looked at
   * the next time.
   * @param breathe called between slices
   * @throws FirewallError
   */
  async isRight(breathe: Breathe): Promise<boolean> {
    const attempts = this.#attempts;
    const generation = await this.#firewall.generation();
    const moved = new Set<string>();
    this.#moved.add(moved);
    try {
      const { unknown, missing, meddled, lasts } = await this.#compare(TOLERANCE, breathe);
      const isRight = !meddled && [...unknown, ...missing].every((one) => moved.has(nameOf(one)));
      if (isRight && lasts && attempts === this.#attempts) this.#settled = generation;
      return isRight;
    } finally {
      this.#moved.delete(moved);
    }
  }

  #unsettle(): void {
    this.#settled = undefined;
    this.#attempts += 1;
  }

  async #compare(shortest: number, breathe: Breathe): Promise<Wrong & { meddled: boolean }> {
    const start = this.#clock().uptime;
    const services = [...projectionRules(this.#state).services];
    const prefixes = this.#prefixes ?? this.#state.allowlist.prefixes();
    const sets = [...projectedSets(services, prefixes), "trial", "adopted4", "adopted6"];
    const filled = await this.#firewall.elements(FILLED);
    const elements = await this.#firewall.elements(sets, breathe);
    const { uptime } = this.#clock();
    const wanted = await this.#wanted(breathe);
    const wrong = await compare({ elements, took: uptime - start, uptime }, wanted, shortest, breathe);
    return { ...wrong, meddled: print(filled) !== this.#filled };
  }

  /** @returns true when the elements of every set are gone. @throws FirewallError */
  async #load(plan: TablePlan): Promise<boolean> {
    this.#unsettle();
    const outcome = await this.#firewall.install(plan);
    must(outcome);
    this.#prefixes = plan.prefixes;
    this.#filled = print(await this.#firewall.elements(FILLED));
    return outcome.ok && outcome.rebuilt === true;
  }

  /**
   * Before a policy that closes more comes into force, its sets must hold those it spares: an adopted session that
   * sends a packet between the rules and the elements would be reset. So it is loaded first as a candidate that
   * nothing enters, and filled.
   */
  async #prepare({ firewallBefore }: Transaction): Promise<void> {
    const plan = this.plan();
    const wanted = this.#state.firewall.confirmed;
    if (plan === undefined || wanted === null || firewallBefore?.confirmed === wanted) return;
    const current = firewallBefore?.confirmed ?? closesNothing(wanted);
    await this.#load({ ...plan, current, candidate: wanted });
    await this.reconcile();
  }

  /** The allowlist has a network of a size for which the table has no set yet. */
  #lacksSets(): boolean {
    const there = this.#prefixes;
    if (there === undefined) return false; // nothing is known of the table: a change that fails tells
    return this.#state.allowlist
      .prefixes()
      .some(({ family, length }) => !there.some((one) => one.family === family && one.length === length));
  }

  /** What the allowlist puts into the kernel, for boot.nft. */
  allowed(): Element[] {
    const { uptime } = this.#clock();
    const { allowlist } = this.#state;
    const rules = projectionRules(this.#state);
    const picture = new Picture();
    for (const network of allowlist.networks())
      for (const element of projectNetwork(allowlist, network, uptime, rules)) picture.add(element);
    return [...picture].map((element) => put(element, uptime));
  }

  /** Every element that should be there: grants, the allowlist, the trial, adopted sessions. */
  async #wanted(breathe: Breathe): Promise<Picture> {
    const { uptime } = this.#clock();
    const picture = new Picture();
    const { trial, adopted } = this.#state.firewall;
    const add = (set: string, key: string, ends: number): unknown =>
      ends > uptime && picture.add({ set, key, ends });
    if (trial !== null) for (const family of ["ipv4", "ipv6"]) add("trial", family, trial.ends);
    for (const { family, key, ends } of adopted) add(`adopted${family}`, key, ends);
    const projected = projectAll(this.#state, uptime, projectionRules(this.#state));
    await inSlices(projected, breathe, (element) => picture.add(element));
    return picture;
  }
}

const nameOf = ({ set, key }: { set: string; key: string }): string => `${set} ${key}`;

const print = (elements: readonly Element[]): string =>
  elements
    .map(({ set, key }) => `${set} ${key}`)
    .sort()
    .join("\n");

function closesNothing(policy: Policy): Policy {
  return { ...policy, guard: "nothing" };
}

function must(outcome: FirewallOutcome): void {
  if (!outcome.ok)
    throw new FirewallError(
      `the kernel's table is not as it should be: ${outcome.message}`,
      FIREWALL_CURES[outcome.why],
      outcome.why,
    );
}
