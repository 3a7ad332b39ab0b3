import type { TablePlan } from "./firewall.ts";
import type { Policy } from "./policy.ts";

/** Our table as nft writes it: family and name. */
export const TABLE = "inet knockline";

/** Elements a set of ours holds at most; beyond it the kernel answers ENFILE and nothing is changed. */
export const SET_SIZE = 65_536;

/** The same for a set of the allowlist: all addresses of all names, if they were of one family. */
export const NETWORK_SET_SIZE = 524_288;

/**
 * The NFLOG group that TCP knocks are reported to ("KL"). Groups belong to a network namespace, which holds one instance
 * of knockline; other software takes small numbers.
 */
export const KNOCK_GROUP = 0x4b4c;

/** What the table's comment begins with; the owner (a state folder) follows. */
const COMMENT = "knockline ";

/** The kernel keeps 128 bytes of a table's comment, the closing zero among them. */
const COMMENT_BYTES = 127;

/** @returns the table's comment for an owner. Check the owner with `ownerProblem` first. */
export function tableComment(owner: string): string {
  return COMMENT + owner;
}

/** @returns the owner named by a table's comment; "" when the comment is not one of ours. */
export function ownerOf(comment: string | undefined): string {
  return comment?.startsWith(COMMENT) ? comment.slice(COMMENT.length) : "";
}

/** @returns why this state folder cannot be named in a table's comment (a sentence for people); undefined when it can. */
export function ownerProblem(owner: string): string | undefined {
  if (!/^[^\p{Cc}"]+$/u.test(owner)) return "the state folder's name holds a quote or a control character";
  const bytes = new TextEncoder().encode(tableComment(owner)).length;
  return bytes > COMMENT_BYTES ? "the state folder's path is too long for the table's comment" : undefined;
}

/** A chain of the table. */
export interface Chain {
  readonly name: string;
  /** A line for people. */
  readonly about: string;
  /** Present for a base chain: where in a packet's path it hangs. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** @returns the policies the table holds: the current one, and the one on trial if there is one. */
export function policiesOf({ current, candidate }: TablePlan): readonly Policy[] {
  return candidate === undefined ? [current] : [current, candidate];
}
