import { type Masked, nftRule, touches, WHOLE } from "./mark.ts";
import { type Edit, type Place, type RuleKind, stateAmong } from "./place.ts";

/** A rule of `nft -j list ruleset` (libnftables-json(5)). */
export interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly expr: readonly Json[];
}

/** A base chain. */
export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly policy?: string;
}

/** All chains and rules of this network namespace, in their order. */
export interface NftRuleset {
  readonly chains: readonly NftChain[];
  readonly rules: readonly NftRule[];
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads what nft printed; nothing at all is an empty ruleset. @throws SyntaxError when it is no JSON */
export function readNft(text: string): NftRuleset {
  const { nftables } = JSON.parse(text === "" ? '{"nftables":[]}' : text) as {
    nftables: { chain?: NftChain; rule?: NftRule }[];
  };
  return {
    chains: nftables.flatMap(({ chain }) => chain ?? []),
    rules: nftables.flatMap(({ rule }) => rule ?? []),
  };
}

/** @returns true when one of a rule's statements is this one, e.g. `dnat` */
export const hasStatement = ({ expr }: NftRule, name: string): boolean =>
  expr.some((one) => isObject(one) && name in one);

/** @returns true when somewhere in the expression there is an object with this key */
const mentions = (value: Json, key: string): boolean =>
  Array.isArray(value)
    ? value.some((one) => mentions(one, key))
    : isObject(value) && (key in value || Object.values(value).some((one) => mentions(one, key)));

const isMark = (value: Json | undefined): boolean =>
  isObject(value) && [value.meta, value.ct].some((one) => isObject(one) && one.key === "mark");

/** @returns the statements that do something, without counters and comments */
const acting = (expr: readonly Json[]): Json[] =>
  expr.filter((one) => isObject(one) && !("counter" in one) && !("log" in one));

/** Looks whether a rule is ours, and whether it accepts established connections. */
export function nftKind({ expr }: NftRule, mark: number): RuleKind {
  const [match, verdict, ...rest] = acting(expr);
  const { value, mask } = (isObject(match) && maskedMatch(match.match)) || { value: 0, mask: 0 };
  const accepts = (one: Json | undefined): boolean => isObject(one) && "accept" in one;
  return {
    ours: accepts(verdict) && rest.length === 0 && value === mark && mask === mark,
    established: expr.some(accepts) && JSON.stringify(expr).includes("established"),
  };
}

/** Reads `mark & M == V`, `mark & M != 0` with one bit, `mark V` and `mark V/prefix`. */
function maskedMatch(match: Json | undefined): Masked | undefined {
  if (!isObject(match)) return undefined;
  const { left, right, op } = match;
  const [field, mask] = isObject(left) && Array.isArray(left["&"]) ? left["&"] : [left, WHOLE];
  if (!isMark(field) || typeof mask !== "number") return undefined;
  if (isObject(right) && isObject(right.prefix)) {
    const length = Number(right.prefix.len);
    return { value: Number(right.prefix.addr), mask: length === 0 ? 0 : (WHOLE << (32 - length)) >>> 0 };
  }
  if (typeof right !== "number") return undefined;
  const isBit = op === "!=" && right === 0 && (mask & (mask - 1)) === 0;
  return { value: isBit ? mask : right, mask };
}

/** @returns true when the rule looks at our bit of a mark, or changes it */
export function nftUsesBit({ expr }: NftRule, bit: number): boolean {
  return expr.some((one) => {
    if (!isObject(one)) return false;
    const masked = maskedMatch(one.match);
    if (masked !== undefined) return touches(masked, bit);
    return isObject(one.mangle) && isMark(one.mangle.key) && sets(one.mangle.value, bit);
  });
}

/** Whether a value written into a mark sets, turns or clears our bit by name. */
function sets(value: Json | undefined, bit: number): boolean {
  if (typeof value === "number") return (value & bit) !== 0;
  if (!isObject(value)) return false;
  const number = (operator: string): number | undefined => {
    const parts = value[operator];
    return Array.isArray(parts) ? parts.find((part) => typeof part === "number") : undefined;
  };
  const [or, xor, and] = [number("|"), number("^"), number("&")];
  if (((or ?? xor ?? 0) & bit) !== 0 || (and !== undefined && (and & bit) === 0)) return true;
  return Object.values(value).some(
    (part) => Array.isArray(part) && part.some((one) => isObject(one) && sets(one, bit)),
  );
}

const sameChain = (rule: NftRule, { family, table, name }: NftChain): boolean =>
  rule.family === family && rule.table === table && rule.chain === name;

/** @returns true when whoever is not named by a rule of the chain does not get in, as far as can be seen */
function closes(chain: NftChain, rules: readonly NftRule[]): boolean {
  if (chain.policy === "drop") return true;
  return rules.some(({ expr }) => {
    const [first, ...rest] = acting(expr);
    return rest.length === 0 && first !== undefined && CLOSING.some((verdict) => mentions(first, verdict));
  });
}

const CLOSING = ["drop", "reject", "jump", "goto"] as const;

/** Those that see packets as our table does; a bridge's chains see them before. */
const FAMILIES: readonly string[] = ["ip", "ip6", "inet"];

/** The chains of the host's own nftables that close its input; `isOwn` says which chains are nobody else's. */
export function nftPlaces(
  { chains, rules }: NftRuleset,
  mark: number,
  isOwn: (chain: NftChain) => boolean,
): Place[] {
  return chains
    .filter(({ family, type, hook }) => FAMILIES.includes(family) && type === "filter" && hook === "input")
    .filter(isOwn)
    .flatMap((chain) => {
      const inside = rules.filter((rule) => sameChain(rule, chain));
      return closes(chain, inside) ? [nftPlace(chain, inside, mark)] : [];
    });
}

function nftPlace({ family, table, name }: NftChain, rules: readonly NftRule[], mark: number): Place {
  const state = stateAmong(rules.map((rule) => nftKind(rule, mark)));
  const remove = rules
    .filter((rule) => nftKind(rule, mark).ours)
    .map(({ handle }): Edit => {
      return { do: "run", command: ["nft", "delete", "rule", family, table, name, "handle", String(handle)] };
    });
  const rule = nftRule(mark).split(" ");
  const insert: Edit = { do: "run", command: ["nft", "insert", "rule", family, table, name, ...rule] };
  const where = `nft ${family} ${table} ${name}`;
  return {
    where,
    rules: ["nft"],
    saved: false,
    state,
    add: state === "right" ? [] : [insert, ...remove],
    remove,
  };
}
