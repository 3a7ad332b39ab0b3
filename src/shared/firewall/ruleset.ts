import { createHash } from "node:crypto";
import { COUNTERS, chainsOf } from "./chains.ts";
import { permanentText } from "./changes.ts";
import { type Element, FirewallError, type TablePlan } from "./firewall.ts";
import { type SetSpec, setGroups } from "./sets.ts";
import { type Chain, ownerProblem, TABLE, tableComment } from "./table.ts";

/** The names of everything a plan puts into the table. */
export interface TableNames {
  readonly sets: readonly string[];
  readonly chains: readonly string[];
  readonly counters: readonly string[];
}

/**
 * The whole table as one transaction for `nft -f -`: loading it again changes nothing, and the elements of
 * grants are neither in it nor touched by it. Flat commands, because a `table { }` block loaded twice doubles
 * every rule. One command a line, with headings for people.
 * @throws FirewallError when the owner cannot be named in the table's comment.
 */
export function rulesetText(plan: TablePlan): string {
  const problem = ownerProblem(plan.owner);
  if (problem !== undefined) throw new FirewallError(problem, "choose another folder: [paths] state");
  const chains = chainsOf(plan);
  const blocks = [
    [`add table ${TABLE} { comment "${tableComment(plan.owner)}" ; }`],
    ...setGroups(plan).map(({ about, sets }) => section(about, sets.flatMap(setLines))),
    section(
      "knocks dropped before we could see them, and TCP knocks reported to us",
      COUNTERS.map((name) => `add counter ${TABLE} ${name}`),
    ),
    section("chains, emptied first", chains.flatMap(chainLines)),
    ...chains.map(ruleLines),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

/**
 * What is loaded before the network at boot: the confirmed policy's closing rules and the allowlist. Nobody
 * listens for knocks yet, nothing is on trial, and what ends would start its time anew: none of these is in it.
 *
 * The last line is the SHA-256 of all before it: a file cut off at the end of a line would still be good nft, and
 * close less. `systemd/knockline-firewall-load` reads it.
 * @param allowed the allowlist's elements; those with an end are left out
 */
export function bootText({ owner, current, prefixes }: TablePlan, allowed: readonly Element[]): string {
  const head =
    "# Written by knockline when the policy or the allowlist changes; changes made here are lost.\n";
  const rules = rulesetText({ owner, current, prefixes, knockUdp: [], knockTcp: [] });
  // without their comments: what is left of a damaged file must be told from anything else by its digits
  const elements = permanentText(allowed);
  const list =
    elements.length === 0 ? "" : `\n# the allowlist, as it was last known\n${elements.join("\n")}\n`;
  return sealed(head + rules + list);
}

const sealed = (text: string): string =>
  `${text}# sha256 ${createHash("sha256").update(text).digest("hex")}\n`;

/** @returns true for a boot text that nobody cut short or changed: its last line fits the lines before it */
export function isWholeBootText(text: string): boolean {
  const at = text.lastIndexOf("# sha256 ");
  return at > 0 && sealed(text.slice(0, at)) === text;
}

/** @returns the names of all sets, chains and counters of a plan; what else is in our table is stale. */
export function tableNames(plan: TablePlan): TableNames {
  return {
    sets: setGroups(plan).flatMap(({ sets }) => sets.map(({ name }) => name)),
    chains: chainsOf(plan).map(({ name }) => name),
    counters: [...COUNTERS],
  };
}

/**
 * Commands that remove what an earlier plan left in the table, to follow the ruleset in the same transaction:
 * chains are emptied before any is deleted, and sets go when no rule looks them up any more.
 */
export function removalText(present: TableNames, plan: TablePlan): string {
  const wanted = tableNames(plan);
  const stale = (kind: keyof TableNames): string[] =>
    present[kind].filter((name) => !wanted[kind].includes(name));
  const lines = [
    ...stale("chains").map((name) => `flush chain ${TABLE} ${name}`),
    ...stale("chains").map((name) => `delete chain ${TABLE} ${name}`),
    ...stale("sets").map((name) => `delete set ${TABLE} ${name}`),
    ...stale("counters").map((name) => `delete counter ${TABLE} ${name}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const section = (about: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`# ${about}`, ...lines];

function setLines({ name, key, options, fill }: SetSpec): string[] {
  const add = `add set ${TABLE} ${name} { ${key} ; ${options} }`.replace(/ +\}/, " }");
  if (fill === undefined) return [add];
  const elements = fill.length === 0 ? [] : [`add element ${TABLE} ${name} { ${fill.join(", ")} }`];
  return [add, `flush set ${TABLE} ${name}`, ...elements];
}

const chainLines = ({ name, hook }: Chain): string[] => [
  `add chain ${TABLE} ${name}${hook === undefined ? "" : ` { ${hook} }`}`,
  `flush chain ${TABLE} ${name}`,
];

const ruleLines = ({ name, about, rules }: Chain): string[] =>
  rules.length === 0
    ? []
    : [`# ${name}: ${about}`, ...rules.map((rule) => `add rule ${TABLE} ${name} ${rule}`)];
