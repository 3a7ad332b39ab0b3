import type { AllowWish } from "../shared/gate/verbs.ts";
import type { AllowView } from "../shared/gate/views.ts";
import type { TriedToml } from "../shared/settings/adapters/toml.ts";
import { dateOf, given, listOf } from "./commands/values.ts";

/** An entry of a list, and where it stands. */
export type ListedWish = AllowWish & { readonly line: number };

/** What a file asks for, or a line for each fault: `line 3: ...`. Whether an entry may be is for the gate to say. */
export type ParsedList =
  | { readonly ok: true; readonly wishes: ListedWish[] }
  | { readonly ok: false; readonly faults: string[] };

/** @returns true for a list in TOML: plain lines never begin with a bracket. */
export const isToml = (text: string): boolean => /^\s*\[/m.test(text.replace(/^\uFEFF/, ""));

/**
 * Parses a plain list: `WHAT [services=a,b] [expires=DATE] [note=TEXT to the end]` a line; `#` begins a comment at the
 * start or after a blank (but not in a note). docs/allowlist.md
 */
export function parsePlain(text: string): ParsedList {
  return collect(
    text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .map((line, at) => ({ line: at + 1, text: line.trim() }))
      .filter(({ text: line }) => line !== "" && !line.startsWith("#"))
      .map(({ line, text: words }) => ({ line, read: () => [plainWish(words)] })),
  );
}

/** Reads a list in TOML: `[[allow]]` tables with what (a text or several), services, note, expires. */
export function readTomlList(text: string, parsed: TriedToml): ParsedList {
  if (!parsed.ok) return { ok: false, faults: [`line ${parsed.line}: ${parsed.what}`] };
  const { allow, ...rest } = parsed.value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return { ok: false, faults: [`${unknown}: only [[allow]] tables belong here`] };
  if (!Array.isArray(allow)) return { ok: false, faults: ["there is no [[allow]] table in it"] };
  // where each table begins: the parser does not tell
  const lines = text
    .split("\n")
    .flatMap((line, at) => (/^\s*\[\[\s*allow\s*\]\]/.test(line) ? [at + 1] : []));
  return collect(allow.map((table, at) => ({ line: lines[at] ?? 1, read: () => tomlWishes(table) })));
}

/** Prints entries as `parsePlain` reads them. */
export function printPlain(entries: readonly AllowView[]): string {
  const lines = entries.map(({ what, services, note, expires }) =>
    [
      what,
      ...(services.length === 0 ? [] : [`services=${services.join(",")}`]),
      ...(expires === null ? [] : [`expires=${expires}`]),
      ...(note === null ? [] : [`note=${note}`]),
    ].join(" "),
  );
  return ["# knockline allowlist; read with: knockctl allow import FILE", ...lines].join("\n");
}

interface Listed {
  readonly line: number;
  /** @throws Error with what is wrong */
  readonly read: () => AllowWish[];
}

function collect(listed: readonly Listed[]): ParsedList {
  const faults: string[] = [];
  const wishes = listed.flatMap(({ line, read }) => {
    try {
      return read().map((wish) => ({ ...wish, line }));
    } catch (error) {
      faults.push(`line ${line}: ${(error as Error).message}`);
      return [];
    }
  });
  return faults.length === 0 ? { ok: true, wishes } : { ok: false, faults };
}

function plainWish(line: string): AllowWish {
  const [, head = "", note] = /^(.*?)(?:\snote=(.*))?$/.exec(line) ?? [];
  const [what = "", ...options] = head
    .replace(/\s#.*$/, "")
    .trim()
    .split(/\s+/);
  const values = new Map<string, string>(); // bounded: the three keys
  for (const option of options) {
    const [, key = "", value = ""] = /^(services|expires)=(.+)$/.exec(option) ?? [];
    if (key === "") throw new Error(`${JSON.stringify(option)} is neither services=, expires= nor note=`);
    if (values.has(key)) throw new Error(`${key} is said twice`);
    values.set(key, value);
  }
  return wishOf(what, values.get("services")?.split(","), note?.trim(), values.get("expires"));
}

function tomlWishes(table: unknown): AllowWish[] {
  const { what, services, note, expires, ...rest } = table as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new Error(`${unknown}: known are what, services, note, expires`);
  const names = typeof what === "string" ? [what] : what;
  if (!isTexts(names) || names.length === 0) throw new Error("what must be a text, or several in a list");
  if (services !== undefined && !isTexts(services))
    throw new Error('services must be a list: ["sip", "rtp"]');
  if (note !== undefined && typeof note !== "string") throw new Error("note must be a text");
  const until = expires instanceof Date ? expires.toISOString() : expires;
  if (until !== undefined && typeof until !== "string") throw new Error("expires must be a date: 2026-12-31");
  return names.map((name) => wishOf(name, services, note, until));
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

function wishOf(what: string, services?: string[], note?: string, expires?: string): AllowWish {
  return {
    what,
    ...given({
      services: services === undefined ? undefined : listOf("services", services.join(",")),
      note: note === "" ? undefined : note,
      expires: expires === undefined ? undefined : dateOf("expires", expires),
    }),
  };
}
