import type { Change, Element } from "./firewall.ts";
import { isForeignKey, isKey } from "./keys.ts";
import { mayBePermanent } from "./networks.ts";
import { TABLE } from "./table.ts";

/** nft refuses longer comments. */
const COMMENT_LENGTH = 128;

/**
 * Looks whether changes may be brought to the kernel at all.
 * @returns what is wrong with them, a sentence for people; undefined when nothing is.
 */
export function changesProblem(changes: readonly Change[]): string | undefined {
  for (const change of changes) {
    const { op, set, key } = change;
    if (!/^[a-z][a-z0-9_]{0,30}$/.test(set)) return `not a set's name: ${JSON.stringify(set)}`;
    if (!isKey(key) && !(op === "drop" && isForeignKey(key)))
      return `not an element's key: ${JSON.stringify(key)}`;
    if (op === "put" && !mayLast(change)) return `${key} has no time to end at`;
  }
  return undefined;
}

const mayLast = ({ set, ttl }: Element): boolean =>
  Number.isFinite(ttl) || (ttl === Number.POSITIVE_INFINITY && mayBePermanent(set));

/**
 * Permanent elements as nft commands that may be loaded again, one a set: a command for each element takes nft four
 * times as long. Check them with `changesProblem` first.
 * @param elements those with an end are left out
 */
export function permanentText(elements: readonly Element[]): string[] {
  const bySet = new Map<string, string[]>(); // bounded: by the elements
  for (const { set, key, ttl } of elements) {
    if (ttl !== Number.POSITIVE_INFINITY) continue;
    const keys = bySet.get(set);
    if (keys === undefined) bySet.set(set, [key]);
    else keys.push(key);
  }
  return [...bySet].map(([set, keys]) => `add element ${TABLE} ${set} { ${keys.join(", ")} }`);
}

/** @returns a comment as it may stand in a listing of nft: a wrong character becomes `_`. */
export const commentText = (text: string): string =>
  text.replace(/[^A-Za-z0-9 ._:/-]/g, "_").slice(0, COMMENT_LENGTH);
