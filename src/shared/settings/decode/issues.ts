import type * as z from "zod";
import { escaped } from "../../log/unprintable.ts";
import { nearest } from "../nearest.ts";
import type { SettingsProblem } from "../problem.ts";
import { KNOWN_KEYS, SERVICE_KEYS } from "./sections.ts";

type Issue = z.core.$ZodIssue;
type Keys = readonly PropertyKey[];

/** Writes a key path as a person would: `services.sip.ports[1]`. A quoted key may hold anything. */
function dotted(keys: Keys): string {
  const path = keys.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
  return escaped(path);
}

function at(raw: unknown, keys: Keys): unknown {
  return keys.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    raw,
  );
}

/** The keys under an unknown one, so that a mistyped table is told by what it holds: `acess.ttl`. */
function leaves(raw: unknown, keys: Keys): Keys[] {
  const value = at(raw, keys);
  const table = typeof value === "object" && value !== null && !Array.isArray(value);
  // two levels at most below the top: no known key lies deeper
  if (!table || keys.length >= 3 || Object.keys(value).length === 0) return [keys];
  return Object.keys(value).flatMap((key) => leaves(raw, [...keys, key]));
}

/** The names an unknown key is compared with: every known one, and those of the service it may belong to. */
function candidates(keys: Keys): readonly string[] {
  if (keys.length !== 3) return KNOWN_KEYS;
  return [...KNOWN_KEYS, ...SERVICE_KEYS.map((key) => `services.${String(keys[1])}.${key}`)];
}

function unknownKey(keys: Keys): SettingsProblem {
  const name = dotted(keys);
  const meant = nearest(name, candidates(keys));
  const hint = meant === undefined ? "" : `: did you mean \`${meant}\`?`;
  return { path: "", message: `unknown key \`${name}\`${hint}` };
}

const NOUNS: Record<string, string> = {
  string: "a text in quotes",
  boolean: "true or false",
  array: "a list",
  object: "a table",
  record: "a table",
  int: "a whole number",
  number: "a whole number",
};

function complaint(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return issue.origin === "array" ? "must not be empty" : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** Turns what zod found into problems that a person can act on; `raw` is the file as read. */
export function problemsOf(issues: readonly Issue[], raw: unknown): SettingsProblem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return { path: dotted(issue.path), message: complaint(issue) };
    return issue.keys.flatMap((key) => leaves(raw, [...issue.path, key])).map(unknownKey);
  });
}
