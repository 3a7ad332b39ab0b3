import { milliseconds, seconds } from "../duration.ts";
import type { Element } from "./firewall.ts";
import { keyFrom } from "./keys.ts";

/** An element's value as nft's JSON has it (libnftables-json(5)): plain, joined, a prefix, or a range. */
type Value =
  | string
  | number
  | { concat: (string | number)[] }
  | { prefix: { addr: string; len: number } }
  | { range: [string, string] };
/** With what belongs to it, or plain when there is nothing. Times are whole seconds, rounded down. */
type Entry = Value | { elem: { val: Value; timeout?: number; expires?: number; comment?: string } };

/** Printed with 0 s left: somewhere below a second. */
const LAST_SECOND = milliseconds(500);

/**
 * Reads the answer of `nft -j -i` to several `list set` commands: one JSON document a line.
 * @returns the elements of all sets; `ttl` is Infinity for one without a time-out.
 * @throws SyntaxError when a line is no JSON
 */
export function readSets(text: string): Element[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap(
      (line) => (JSON.parse(line) as { nftables: { set?: { name: string; elem?: Entry[] } }[] }).nftables,
    )
    .flatMap(({ set }) => (set?.elem ?? []).map((entry) => element(set?.name ?? "", entry)));
}

function element(set: string, entry: Entry): Element {
  if (typeof entry !== "object" || !("elem" in entry))
    return { set, key: keyOf(entry), ttl: milliseconds(Infinity) };
  const { val, expires, comment } = entry.elem;
  const ttl = expires === undefined ? milliseconds(Infinity) : expires === 0 ? LAST_SECOND : seconds(expires);
  return { set, key: keyOf(val), ttl, ...(comment === undefined ? {} : { comment }) };
}

function keyOf(value: Value): string {
  if (typeof value !== "object") return keyFrom([value]);
  if ("concat" in value) return keyFrom(value.concat);
  if ("prefix" in value) return `${keyFrom([value.prefix.addr])}/${value.prefix.len}`;
  return value.range.join("-");
}
