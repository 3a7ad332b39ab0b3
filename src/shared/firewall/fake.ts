import type { Duration } from "../duration.ts";
import { changesProblem, commentText } from "./changes.ts";
import { failure, foreignTable } from "./failure.ts";
import {
  type Change,
  type Element,
  type Firewall,
  FirewallError,
  type FirewallOutcome,
  type TablePlan,
  type TableState,
} from "./firewall.ts";
import { isKeyOf } from "./keys.ts";
import { rulesetText } from "./ruleset.ts";
import { type SetSpec, setGroups } from "./sets.ts";
import { ownerProblem } from "./table.ts";

/** An element in the fake's table. */
interface Held {
  /** On the fake's clock; Infinity: permanent. */
  readonly ends: number;
  readonly comment?: string;
}

/** One set: bounded by the size in its options, as in the kernel. */
interface HeldSet {
  readonly spec: SetSpec;
  readonly elements: Map<string, Held>;
}

/** The whole table, replaced as one value: a transaction either becomes the table or never was. */
interface Table {
  readonly owner: string;
  readonly rules: string;
  readonly sets: ReadonlyMap<string, HeldSet>;
}

/** The in-memory Firewall, with what a test may do to it behind its back. */
export interface FakeFirewall extends Firewall {
  /** The table's rules as text; undefined when there is no table. */
  rules(): string | undefined;
  /** `nft flush ruleset` by somebody else: the table is gone. Watchers are called. */
  flush(): void;
  /** Somebody else adds an element; `ttl` Infinity makes it permanent. Watchers are called. */
  foreignPut(element: Element): void;
  /** Somebody else deletes all rules, the sets stay. Watchers are called. */
  alterRules(): void;
  /** The next `times` calls of install, change, remove or probe fail so and change nothing. */
  failNext(outcome: Extract<FirewallOutcome, { ok: false }>, times?: number): void;
}

const OK: FirewallOutcome = { ok: true };
const NO_DROPS = { scanner: 0, rate: 0, global: 0 } as const;

/**
 * Makes a Firewall without a kernel: the same outcomes as nftables, for tests.
 * @param now milliseconds on any clock that does not run backwards; elements expire by it
 */
export function fakeFirewall(now: () => number): FakeFirewall {
  let table: Table | undefined;
  let generation = 0;
  let installed: { owner: string; rules: string } | undefined;
  const watchers = new Set<() => void>(); // bounded: one entry a watch() not yet stopped
  const failures: Extract<FirewallOutcome, { ok: false }>[] = []; // bounded: what a test asked for

  const commit = (next: Table | undefined): FirewallOutcome => {
    table = next;
    generation += 1;
    return OK;
  };
  const meddle = (next: Table | undefined): void => {
    commit(next);
    for (const disturbed of [...watchers]) disturbed();
  };

  const state = (): TableState => {
    if (table === undefined) return { state: "missing" };
    const { owner, rules } = table;
    if (installed !== undefined && owner !== installed.owner) return { state: "foreign", owner };
    return { state: rules === installed?.rules ? "ok" : "altered", owner, drops: NO_DROPS };
  };

  const install = (plan: TablePlan): FirewallOutcome => {
    const problem = ownerProblem(plan.owner);
    if (problem !== undefined) return failure("refused", problem);
    if (table !== undefined && table.owner !== plan.owner) return foreignTable(table.owner);
    installed = { owner: plan.owner, rules: rulesetText(plan) };
    return commit({ ...installed, sets: setsFor(plan, table, now()) });
  };

  const change = (changes: readonly Change[]): FirewallOutcome => {
    const problem = changesProblem(changes);
    if (problem !== undefined) return failure("refused", problem);
    if (changes.length === 0) return OK;
    if (table === undefined) return failure("missing", "there is no table");
    const sets = copyOf(table.sets, changes, now());
    for (const one of changes) {
      const failed = applyTo(sets, one, now());
      if (failed !== undefined) return failed;
    }
    return commit({ ...table, sets });
  };

  const remove = (owner: string): FirewallOutcome => {
    if (table !== undefined && table.owner !== owner) return foreignTable(table.owner);
    return table === undefined ? OK : commit(undefined);
  };

  return {
    state: async () => state(),
    install: async (plan) => failures.shift() ?? install(plan),
    change: async (changes, after) => {
      if (after !== undefined) await after;
      return failures.shift() ?? change(changes);
    },
    rehearse: () => {},
    remove: async (owner) => failures.shift() ?? remove(owner),
    elements: async (names) => names.flatMap((name) => elementsOf(table?.sets.get(name), now())),
    generation: async () => generation,
    reported: async () => 0,
    watch: (disturbed) => {
      const watcher = (): void => disturbed();
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    probe: async () => {
      const failed = failures.shift();
      if (failed !== undefined) throw new FirewallError(failed.message, "a test asked for it");
    },
    close: async () => watchers.clear(),
    rules: () => table?.rules,
    flush: () => meddle(undefined),
    alterRules: () => meddle(table && { ...table, rules: "" }),
    foreignPut: (element) => {
      const sets = copyOf(table?.sets ?? new Map(), [element], now());
      sets.get(element.set)?.elements.set(element.key, held(element, now()));
      meddle(table && { ...table, sets });
    },
    failNext: (outcome, times = 1) => failures.push(...Array(times).fill(outcome)),
  };
}

/** Sets that stay keep their elements, except where the plan says what is in them. */
function setsFor(plan: TablePlan, before: Table | undefined, at: number): Map<string, HeldSet> {
  const specs = setGroups(plan).flatMap(({ sets }) => sets);
  return new Map(
    specs.map((spec) => {
      const kept = spec.fill?.map((key): [string, Held] => [key, { ends: Infinity }]);
      return [spec.name, { spec, elements: new Map(kept ?? living(before?.sets.get(spec.name), at)) }];
    }),
  );
}

/** Copies what a transaction touches, without what has expired. */
function copyOf(
  sets: ReadonlyMap<string, HeldSet>,
  touched: readonly { set: string }[],
  at: number,
): Map<string, HeldSet> {
  const copy = new Map(sets);
  for (const name of new Set(touched.map(({ set }) => set))) {
    const set = sets.get(name);
    if (set !== undefined) copy.set(name, { ...set, elements: new Map(living(set, at)) });
  }
  return copy;
}

function applyTo(
  sets: ReadonlyMap<string, HeldSet>,
  change: Change,
  at: number,
): Extract<FirewallOutcome, { ok: false }> | undefined {
  const set = sets.get(change.set);
  if (set === undefined) return failure("missing", `there is no set ${change.set}`);
  const { spec, elements } = set;
  if (!isKeyOf(spec.key, change.key)) return failure("refused", `${change.key} is no key of ${change.set}`);
  const size = Number(/size (\d+)/.exec(spec.options)?.[1] ?? Number.POSITIVE_INFINITY);
  const full = elements.size >= size && !elements.has(change.key);
  if (full) return failure("full", `set ${change.set} is full`);
  if (change.op === "put" && !spec.options.includes("timeout")) {
    return failure("refused", `set ${change.set} takes no time-out`);
  }
  elements.delete(change.key);
  if (change.op === "put") elements.set(change.key, held(change, at));
  return undefined;
}

const held = ({ ttl, comment }: { ttl: Duration; comment?: string }, at: number): Held => ({
  ends: at + Math.max(1, ttl),
  ...(comment === undefined ? {} : { comment: commentText(comment) }),
});

const living = (set: HeldSet | undefined, at: number): [string, Held][] =>
  [...(set?.elements ?? [])].filter(([, { ends }]) => ends > at);

const elementsOf = (set: HeldSet | undefined, at: number): Element[] =>
  living(set, at).map(([key, { ends, comment }]) => ({
    set: set?.spec.name ?? "",
    key,
    ttl: (ends - at) as Duration,
    ...(comment === undefined ? {} : { comment }),
  }));
