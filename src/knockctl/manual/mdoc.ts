import type { OptionName } from "../command.ts";

/**
 * @returns text that roff takes literally (groff_char(7), mdoc(7)): hyphens that can be copied, no escapes, and no line
 *   that begins as a request
 */
export function literal(text: string): string {
  return text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

/** @returns prose, in which `words in backquotes` are shown as they are typed; a new sentence is a new line. */
export function prose(text: string): string {
  return text
    .replace(/\\/g, "\\e")
    .replace(/`([^`]+)`/g, (_whole, word: string) => `\\fB${word.replace(/-/g, "\\-")}\\fP`)
    .replace(/(?<=\w{2}[.:)]) (?=[A-Z])/g, "\n")
    .replace(/^([.'])/gm, "\\&$1");
}

/** @returns prose that begins and ends as sentences do. */
export function sentences(text: string): string {
  if (text === "") return "";
  return prose(`${text[0]?.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`);
}

/** @returns one argument of a macro, in quotes where it must be. */
export const argument = (text: string): string => {
  const safe = literal(text).replace(/"/g, "\\(dq");
  // a lone punctuation mark or a macro's name would be taken for what it is to mdoc
  return /^[\w\\./<>=:-]{4,}$/.test(safe) ? safe : `"${safe}"`;
};

/** @returns `Fl -ttl Ar time`: macros on one line, without the leading dot */
export function optionMacros({ short, long, value, optional }: OptionName): string {
  const fl = (name: string): string => `Fl ${literal(name.slice(1))}`;
  const names = [short, long]
    .flatMap((name) => name ?? [])
    .map(fl)
    .join(" , ");
  if (value === undefined) return names;
  return optional ? `${names} Op ${value === "-" ? "Cm \\-" : `Ar ${value}`}` : `${names} Ar ${value}`;
}

/** @returns a list whose items have a heading (macros) and a body (roff) each. */
export function tagged(items: readonly (readonly [heading: string, body: string])[], width = "Ds"): string {
  const lines = items.flatMap(([heading, body]) =>
    body === "" ? [`.It ${heading}`] : [`.It ${heading}`, body],
  );
  return [`.Bl -tag -width ${width}`, ...lines, ".El"].join("\n");
}

/** @returns lines as they are typed. */
export function typed(lines: readonly string[]): string {
  return [".Bd -literal -offset indent -compact", ...lines.map(literal), ".Ed"].join("\n");
}
