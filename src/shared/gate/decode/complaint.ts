import type * as z from "zod";
import { formatDuration, seconds } from "../../duration.ts";
import type { Verb } from "../verbs.ts";

type Issue = z.core.$ZodIssue;

/** Arguments that a command takes by their place; all others are options. */
const PLACED: ReadonlySet<PropertyKey> = new Set(["name", "what", "address", "id", "who"]);

/** Options that are not called as their argument is. */
const OPTIONS: Readonly<Record<string, string>> = { ssh_keys: "--ssh-key" };

/** Whole seconds, which people write as 90s, 2h, 1d. */
const SPANS: ReadonlySet<PropertyKey> = new Set(["ttl", "max_ttl", "confirm"]);

const NOUNS: Readonly<Record<string, string>> = {
  string: "a text",
  boolean: "true or false",
  array: "a list",
  object: "a table",
  int: "a whole number",
  number: "a number",
};

/** @returns what does not fit in a question, in a sentence for people: `--confirm: at most 1d`. It may repeat what was sent. */
export function complaintOf(verb: Verb, args: unknown, issue: Issue): string {
  const where = whereOf(verb, args, issue.path);
  const what = whatOf(issue, SPANS.has(issue.path.at(-1) ?? ""));
  return where === "" ? what : `${where}: ${what}`;
}

function whereOf(verb: Verb, args: unknown, [first, at, ...rest]: readonly PropertyKey[]): string {
  if (first === undefined) return "";
  // of a file, not of the command line
  if (verb === "user_import" && typeof at === "number")
    return [nameOf(args, at), ...rest.map(String)].join(", ");
  if (verb === "allow_import" && typeof at === "number")
    return [lineOf(args, at), ...rest.map(String)].join(", ");
  if (verb === "history" && first === "address") return "--addr";
  const key = String(first);
  return PLACED.has(first) ? key : (OPTIONS[key] ?? `--${key.replaceAll("_", "-")}`);
}

function nameOf(args: unknown, at: number): string {
  const name = (args as { users?: { name?: unknown }[] }).users?.[at]?.name;
  return typeof name === "string" && name !== ""
    ? `user ${name.slice(0, 64)}`
    : `the user in place ${at + 1}`;
}

const lineOf = (args: unknown, at: number): string =>
  `line ${(args as { entries?: { line?: unknown }[] }).entries?.[at]?.line ?? at + 1}`;

function whatOf(issue: Issue, isSpan: boolean): string {
  switch (issue.code) {
    case "too_big":
      return `at most ${amount(issue.maximum, issue.origin, isSpan)}`;
    case "too_small":
      if (issue.origin === "string" && issue.minimum === 1) return "may not be empty";
      return `at least ${amount(issue.minimum, issue.origin, isSpan)}`;
    case "invalid_type":
      return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "unrecognized_keys":
      return `nothing is known of ${issue.keys.join(", ")}`;
    case "invalid_union": {
      const [[first] = []] = issue.errors; // the others are single words
      return first === undefined ? "cannot be this" : whatOf(first, isSpan);
    }
    case "invalid_format":
      if (issue.format === "datetime") return "must be a time such as 2026-12-31T18:00:00Z";
      return issue.message.startsWith("Invalid") ? "is not of the right form" : issue.message;
    default:
      return "cannot be this";
  }
}

function amount(limit: number | bigint, origin: string, isSpan: boolean): string {
  if (isSpan) return formatDuration(seconds(Number(limit)));
  return origin === "string"
    ? `${limit} characters`
    : origin === "array"
      ? `${limit} of them`
      : String(limit);
}
