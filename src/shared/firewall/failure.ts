import { getSystemErrorName } from "node:util";
import { UNPRINTABLE } from "../log/unprintable.ts";
import type { FirewallFailure, FirewallOutcome } from "./firewall.ts";

/** What nft prints (strerror(3)), and what it means for a change of set elements or a ruleset. First match counts. */
const MEANINGS: readonly [RegExp, FirewallFailure][] = [
  [/Operation not permitted|Permission denied|must be root/, "denied"],
  [/Too many open files in system/, "full"],
  [/No such file or directory/, "missing"],
  [/No buffer space|Resource temporarily unavailable|Cannot allocate memory/, "unavailable"],
];

/** What to do about each. */
export const FIREWALL_CURES: Readonly<Record<FirewallFailure, string>> = {
  foreign: "one instance a machine: stop the other one and run its `knockctl firewall teardown`",
  missing: "it is made anew by itself; if this stays, look at `nft list ruleset`",
  full: "revoke some grants: knockctl list, knockctl revoke ID",
  denied: "run as root, or with CAP_NET_ADMIN",
  unavailable: "install nftables (apt-get install nftables) and look at the log",
  refused: "this is a fault of ours: please report it with the log line",
};

/** @returns a failure from what nft wrote to stderr; a line of it becomes the message. */
export function failureFrom(stderr: string): Extract<FirewallOutcome, { ok: false }> {
  const line = /^.*Error:.*$/m.exec(stderr)?.[0] ?? stderr.trim().split("\n", 1)[0] ?? "";
  const why = MEANINGS.find(([pattern]) => pattern.test(stderr))?.[1] ?? "refused";
  return failure(why, `nft: ${line.replace(/^.*?Error: /, "")}`);
}

/** What the kernel answers (errno(3)), and what it means for a change of set elements; of all others `refused`. */
const ERRNOS: Readonly<Record<number, FirewallFailure>> = {
  1: "denied", // EPERM
  2: "missing", // ENOENT
  11: "unavailable", // EAGAIN
  12: "unavailable", // ENOMEM
  13: "denied", // EACCES
  23: "full", // ENFILE
  105: "unavailable", // ENOBUFS
};

/** @returns a failure from what the kernel answered to a change, a positive errno(3) */
export const failureOf = (errno: number): Extract<FirewallOutcome, { ok: false }> =>
  failure(ERRNOS[errno] ?? "refused", `the packet filter: ${getSystemErrorName(-errno)}`);

/** @returns a failure. Control characters are taken out of the message: it may be printed. */
export function failure(why: FirewallFailure, message: string): Extract<FirewallOutcome, { ok: false }> {
  return { ok: false, why, message: message.replace(UNPRINTABLE, " ").slice(0, 300) };
}

/** @returns the refusal of a table that belongs to another instance. */
export function foreignTable(owner: string): Extract<FirewallOutcome, { ok: false }> {
  const whose = owner === "" ? "was not made by knockline" : `belongs to the instance in ${owner}`;
  return failure("foreign", `table inet knockline ${whose}`);
}
