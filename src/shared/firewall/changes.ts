import type { Duration } from "../duration.ts";
import type { Change, Element } from "./firewall.ts";
import { isKey } from "./keys.ts";
import { mayBePermanent } from "./networks.ts";
import { TABLE } from "./table.ts";

/** nft refuses longer comments. */
const COMMENT_LENGTH = 128;

/**
 * Looks whether changes may be written as nft text at all.
 * @returns what is wrong with them, a sentence for people; undefined when nothing is.
 */
export function changesProblem(changes: readonly Change[]): string | undefined {
  for (const change of changes) {
    if (!/^[a-z][a-z0-9_]{0,30}$/.test(change.set)) return `not a set's name: ${JSON.stringify(change.set)}`;
    if (!isKey(change.key)) return `not an element's key: ${JSON.stringify(change.key)}`;
    if (change.op === "put" && !isTime(change)) return `${change.key} has no time to end at`;
  }
  return undefined;
}

const isTime = ({ set, ttl }: { set: string; ttl: Duration }): boolean =>
  Number.isFinite(ttl) || (ttl === Number.POSITIVE_INFINITY && mayBePermanent(set));

/**
 * Changes as one line for nft: one transaction. Check them with `changesProblem` first.
 * @param late how long the changes waited since they were asked for: every hole closes by so much sooner.
 */
export function changesText(changes: readonly Change[], late: Duration = 0 as Duration): string {
  return groups(changes)
    .flatMap((group) => commands(group, late))
    .join("; ");
}

/**
 * Permanent elements as commands that may be loaded again, one a set. Check them with `changesProblem` first.
 * @param elements those with an end are left out
 */
export function permanentText(elements: readonly Element[]): string[] {
  const puts = elements
    .filter(({ ttl }) => ttl === Number.POSITIVE_INFINITY)
    .map((one) => ({ op: "put" as const, ...one }));
  return groups(puts).map((group) => addition("add", group, 0 as Duration));
}

/** The same changes, to be written so that they are right whatever is in the sets. */
export function withoutBelief(changes: readonly Change[]): Change[] {
  return changes.map((change) => {
    if (change.op === "drop" || change.fresh === undefined) return change;
    const { fresh: _, ...known } = change;
    return known;
  });
}

type Group = readonly [Change, ...Change[]];

/**
 * Changes that become one command: a command for each element takes nft four times as long. Only where no element
 * is changed twice, for then the order counts.
 */
function groups(changes: readonly Change[]): Group[] {
  const elements = new Set(changes.map(({ set, key }) => `${set} ${key}`));
  if (elements.size < changes.length) return changes.map((change) => [change]);
  const byKind = new Map<string, [Change, ...Change[]]>();
  for (const change of changes) {
    const kind = `${change.set} ${change.op} ${change.op === "put" && change.fresh === true}`;
    const group = byKind.get(kind);
    if (group === undefined) byKind.set(kind, [change]);
    else group.push(change);
  }
  return [...byKind.values()];
}

/**
 * Adding and deleting first makes a put mean the same whether the element was there or not, on every kernel, and
 * a drop of what is not there no error. The first add has no time-out and is never seen: it ends with its delete.
 * What is believed to be fresh is created, which fails if it is there after all.
 */
function commands(group: Group, late: Duration): string[] {
  const [first] = group;
  const keys = group.map(({ key }) => key);
  const gone = [command("add", first.set, keys), command("delete", first.set, keys)];
  if (first.op === "drop") return gone;
  return first.fresh === true ? [addition("create", group, late)] : [...gone, addition("add", group, late)];
}

const command = (verb: "add" | "create" | "delete", set: string, elements: readonly string[]): string =>
  `${verb} element ${TABLE} ${set} { ${elements.join(", ")} }`;

const addition = (verb: "add" | "create", group: Group, late: Duration): string =>
  command(
    verb,
    group[0].set,
    group.map((change) => element(change, late)),
  );

function element(change: Change, late: Duration): string {
  if (change.op === "drop") return change.key;
  const comment = change.comment === undefined ? "" : ` comment "${commentText(change.comment)}"`;
  const timeout = Number.isFinite(change.ttl) ? ` timeout ${timeLeft(change.ttl, late)}` : "";
  return `${change.key}${timeout}${comment}`;
}

/** Never 0: `timeout 0` would make the element permanent. Seconds and ms: nft refuses five days in ms as too large. */
function timeLeft(ttl: Duration, late: Duration): string {
  const ms = Math.max(1, Math.floor(ttl - late));
  return `${Math.floor(ms / 1000)}s${ms % 1000}ms`;
}

/** @returns a comment as it may stand in nft text: a wrong character becomes `_`. */
export const commentText = (text: string): string =>
  text.replace(/[^A-Za-z0-9 ._:/-]/g, "_").slice(0, COMMENT_LENGTH);
