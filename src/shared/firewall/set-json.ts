import { type Duration, milliseconds, seconds } from "../duration.ts";
import { type Element, FirewallError } from "./firewall.ts";
import { keyFrom } from "./keys.ts";

/** Printed with 0 s left: somewhere below a second. */
const LAST_SECOND = milliseconds(500);

/** What nft's JSON has where an object should be. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the answer of `nft -j -i` to several `list set` commands: one JSON document a line (libnftables-json(5)).
 * @returns the elements of all sets; `ttl` is Infinity for one without a time-out.
 * @throws FirewallError for what no nft that we know prints
 */
export function readSets(text: string): Element[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => list(object(parse(line)).nftables))
    .map((entry) => object(entry).set)
    .filter((set) => set !== undefined)
    .map(object)
    .flatMap(({ name, elem = [] }) => list(elem).map((entry) => element(word(name), entry)));
}

/** An element with what belongs to it, or plain when there is nothing. Times are whole seconds, rounded down. */
function element(set: string, entry: unknown): Element {
  const whole = isObject(entry) && "elem" in entry ? object(entry.elem) : { val: entry };
  const { val, expires, comment } = whole as Fields;
  const ttl = expires === undefined ? milliseconds(Infinity) : timeLeft(expires);
  return { set, key: keyOf(val), ttl, ...(comment === undefined ? {} : { comment: word(comment) }) };
}

function timeLeft(expires: unknown): Duration {
  if (typeof expires !== "number" || expires < 0) throw strange();
  return expires === 0 ? LAST_SECOND : seconds(expires);
}

/** A value is plain, joined, a prefix, or a range. */
function keyOf(value: unknown): string {
  if (!isObject(value)) return keyFrom([plain(value)]);
  if ("concat" in value) return keyFrom(list(value.concat).map(plain));
  if ("range" in value) return list(value.range).map(plain).join("-");
  const { addr, len } = object(value.prefix);
  return `${keyFrom([plain(addr)])}/${plain(len)}`;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw strange();
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown): Fields {
  if (isObject(value)) return value;
  throw strange();
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw strange();
}

function plain(value: unknown): string | number {
  if (typeof value === "string" || typeof value === "number") return value;
  throw strange();
}

function word(value: unknown): string {
  if (typeof value === "string") return value;
  throw strange();
}

function strange(): FirewallError {
  return new FirewallError(
    "nft lists a set in a form that is not known here",
    "look at: nft -j list ruleset",
  );
}
