import type { Clock } from "../duration.ts";
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
import {
  difference,
  type Picture,
  project,
  projectAll,
  projectedSets,
  projectNetwork,
  put,
} from "./projection.ts";
import { type GateState, loadedPolicies, projectionRules } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** How far the kernel's time left may be from the ledger's, and what is too short to mend: listings floor to the second. */
const TOLERANCE = 2_000;

/** Sets that `install` fills. nft prints them in words of its own (ranges), so they are compared as it printed them. */
const FILLED = ["trusted", "knock_udp", "knock_tcp"];

/** Keeps the kernel the projection of the gate's state. Every method is called from the gate's one queue. */
export class Projector {
  /** UDP ports that knockd has bound. */
  knockUdp: readonly number[] = [];
  /** TCP ports whose SYNs knockd wants to see. */
  knockTcp: readonly number[] = [];
  readonly #firewall: Firewall;
  readonly #state: GateState;
  readonly #clock: Clock;
  readonly #log: Log;
  /** What was in the FILLED sets after the last install. bounded: by the plan */
  #filled = "";
  /** Prefixes that the table has sets for; undefined before the first install. A set too many does no harm. */
  #prefixes: readonly Prefix[] | undefined;

  constructor(firewall: Firewall, state: GateState, clock: Clock, log: Log) {
    this.#firewall = firewall;
    this.#state = state;
    this.#clock = clock;
    this.#log = log;
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
    if (tx.tableChanged) {
      await written;
      await this.#prepare(tx);
      return this.restore();
    }
    if (this.#lacksSets()) {
      await written;
      await this.install();
    }
    const rules = projectionRules(this.#state);
    const { uptime } = this.#clock();
    const changes: Change[] = [];
    for (const [network, before] of tx.touched) {
      changes.push(...difference(before, project(this.#state, network, uptime, rules), uptime));
    }
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

  /** Loads rules and sets anew; elements stay. @throws FirewallError */
  async install(): Promise<void> {
    const plan = this.plan();
    if (plan === undefined) return;
    if (await this.#load(plan)) await this.#fill();
  }

  /**
   * Makes table and elements right from the ground: closing rules first, then every element, and only then rules
   * that reset sessions without one; then away with what is not ours. @throws FirewallError
   */
  async restore(): Promise<void> {
    const plan = this.plan();
    if (plan === undefined) return must(await this.#firewall.remove(this.#state.settings.paths.state));
    await this.#load({ ...plan, filling: true });
    await this.#fill();
    await this.#load(plan);
    await this.reconcile();
  }

  /** Compares elements with the ledger and mends them. @returns how many were wrong. @throws FirewallError */
  async reconcile(): Promise<number> {
    const { uptime } = this.#clock();
    const wanted = this.#wanted(uptime);
    const services = [...projectionRules(this.#state).services];
    const prefixes = this.#prefixes ?? this.#state.allowlist.prefixes();
    const sets = [...projectedSets(services, prefixes), "trial", "adopted4", "adopted6"];
    const listed = await this.#firewall.elements([...sets, ...FILLED]);
    const isFilled = ({ set }: Element): boolean => FILLED.includes(set);
    const meddled = print(listed.filter(isFilled)) !== this.#filled;
    if (meddled) {
      this.#log.warn("trusted interfaces or knock ports were changed in the kernel: loaded anew");
      await this.install();
    }
    const there = new Map(
      listed
        .filter((element) => !isFilled(element))
        .map((element) => [`${element.set} ${element.key}`, element]),
    );
    const changes: Change[] = [];
    for (const [name, { set, key, ttl }] of there) {
      if (wanted.has(name) || ttl <= TOLERANCE) continue;
      this.#log.warn("an element that the ledger does not know was removed", { set, key });
      changes.push({ op: "drop", set, key });
    }
    for (const [name, element] of wanted) {
      const left = element.ends - uptime;
      if (left > TOLERANCE && !close(there.get(name), left)) changes.push(put(element, uptime));
    }
    if (changes.length > 0) must(await this.#firewall.change(changes));
    return changes.length + Number(meddled);
  }

  /** @returns true when the elements of every set are gone. @throws FirewallError */
  async #load(plan: TablePlan): Promise<boolean> {
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
    must(await this.#firewall.install({ ...plan, current, candidate: wanted }));
    await this.#fill();
  }

  /** The allowlist has a network of a size for which the table has no set yet. */
  #lacksSets(): boolean {
    const there = this.#prefixes;
    if (there === undefined) return false; // nothing is known of the table: a change that fails tells
    return this.#state.allowlist
      .prefixes()
      .some(({ family, length }) => !there.some((one) => one.family === family && one.length === length));
  }

  /** Puts every element, whether it is there or not: no listing to wait for. */
  async #fill(): Promise<void> {
    const { uptime } = this.#clock();
    const changes = [...this.#wanted(uptime).values()].map((element) => put(element, uptime));
    if (changes.length > 0) must(await this.#firewall.change(changes));
  }

  /** What the allowlist puts into the kernel, for boot.nft. */
  allowed(): Element[] {
    const { uptime } = this.#clock();
    const { allowlist } = this.#state;
    const rules = projectionRules(this.#state);
    return allowlist
      .networks()
      .flatMap((network) => [...projectNetwork(allowlist, network, uptime, rules).values()])
      .map((element) => put(element, uptime));
  }

  /** Every element that should be there: grants, the allowlist, the trial, adopted sessions. */
  #wanted(uptime: number): Picture {
    const picture = projectAll(this.#state, uptime, projectionRules(this.#state));
    const { trial, adopted } = this.#state.firewall;
    const add = (set: string, key: string, ends: number): unknown =>
      ends > uptime && picture.set(`${set} ${key}`, { set, key, ends });
    if (trial !== null) for (const family of ["ipv4", "ipv6"]) add("trial", family, trial.ends);
    for (const { family, key, ends } of adopted) add(`adopted${family}`, key, ends);
    return picture;
  }
}

const print = (elements: readonly Element[]): string =>
  elements
    .map(({ set, key }) => `${set} ${key}`)
    .sort()
    .join("\n");

/** Time without end is close only to time without end. */
function close(there: Element | undefined, left: number): boolean {
  return there !== undefined && (there.ttl === left || Math.abs(there.ttl - left) <= TOLERANCE);
}

function closesNothing(policy: Policy): Policy {
  return { ...policy, guard: "nothing" };
}

function must(outcome: FirewallOutcome): void {
  if (!outcome.ok)
    throw new FirewallError(
      `the kernel's table is not as it should be: ${outcome.message}`,
      CURES[outcome.why],
    );
}

const CURES = {
  foreign: "one instance a machine: stop the other one and run its `knockctl firewall teardown`",
  missing: "it is made anew by itself; if this stays, look at `nft list ruleset`",
  full: "revoke some grants: knockctl list, knockctl revoke ID",
  denied: "run as root, or give the service CAP_NET_ADMIN",
  unavailable: "install nftables (apt-get install nftables) and look at the log",
  refused: "this is a fault of ours: please report it with the log line",
} as const;
