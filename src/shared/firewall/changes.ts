import type { Duration } from "../duration.ts";
import type { Change } from "./firewall.ts";
import { isKey } from "./keys.ts";
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
    if (change.op === "put" && !Number.isFinite(change.ttl)) return `${change.key} has no time to end at`;
  }
  return undefined;
}

/**
 * Changes as one line for nft: one transaction. Check them with `changesProblem` first.
 * @param late how long the changes waited since they were asked for: every hole closes by so much sooner.
 */
export function changesText(changes: readonly Change[], late: Duration = 0 as Duration): string {
  return changes.flatMap((change) => commands(change, late)).join("; ");
}

/**
 * Adding and deleting first makes a put mean the same whether the element was there or not, on every kernel, and
 * a drop of what is not there no error. The first add has no time-out and is never seen: it ends with its delete.
 */
function commands(change: Change, late: Duration): string[] {
  const command = (verb: string, element: string): string =>
    `${verb} element ${TABLE} ${change.set} { ${element} }`;
  const gone = [command("add", change.key), command("delete", change.key)];
  if (change.op === "drop") return gone;
  const comment = change.comment === undefined ? "" : ` comment "${commentText(change.comment)}"`;
  return [...gone, command("add", `${change.key} timeout ${timeLeft(change.ttl, late)}${comment}`)];
}

/** Never 0: `timeout 0` would make the element permanent. Seconds and ms: nft refuses five days in ms as too large. */
function timeLeft(ttl: Duration, late: Duration): string {
  const ms = Math.max(1, Math.floor(ttl - late));
  return `${Math.floor(ms / 1000)}s${ms % 1000}ms`;
}

/** @returns a comment as it may stand in nft text: a wrong character becomes `_`. */
export const commentText = (text: string): string =>
  text.replace(/[^A-Za-z0-9 ._:-]/g, "_").slice(0, COMMENT_LENGTH);
