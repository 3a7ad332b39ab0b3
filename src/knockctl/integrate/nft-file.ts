import { type HostFile, linesWithout, savedAs } from "./iptables-places.ts";
import { nftRule } from "./mark.ts";
import { type Edit, type Place, type RuleKind, stateAmong } from "./place.ts";

/** A chain on the input hook in a file that `nft -f` reads: where it stands, and its rules. */
interface FileChain {
  /** `inet filter input`. */
  readonly name: string;
  /** The lines of its rules, from 0. */
  readonly rules: readonly number[];
  /** The line of its `type filter hook input ...`. */
  readonly head: number;
  readonly end: number;
  readonly policyDrop: boolean;
}

const uncommented = (line: string): string => line.replace(/"[^"]*"/g, '""').replace(/#.*$/, "");

/** Lines of a chain's block that are no rules. */
const SPECIFICATION = /^(type|policy|flags|devices?|comment)\b/;

/**
 * Finds the chains on the input hook, as `nft list ruleset` and most people write them: one rule a line.
 * @returns the chains, and whether there is one written in another way
 */
function inputChains(lines: readonly string[]): { chains: FileChain[]; strange: boolean } {
  const chains: FileChain[] = [];
  let [table, chain, start, depth] = ["", "", -1, 0];
  for (const [i, raw] of lines.entries()) {
    const line = uncommented(raw).trim();
    const [, tableName] = /^table\s+(.+?)\s*\{$/.exec(line) ?? [];
    const [, chainName] = /^chain\s+(\S+)\s*\{$/.exec(line) ?? [];
    if (tableName !== undefined && depth === 0)
      table = tableName.includes(" ") ? tableName : `ip ${tableName}`;
    if (chainName !== undefined && depth === 1) [chain, start] = [chainName, i];
    depth += (line.match(/\{/g)?.length ?? 0) - (line.match(/\}/g)?.length ?? 0);
    if (depth === 1 && start >= 0 && line === "}") {
      chains.push(...fileChain(lines, `${table} ${chain}`, start, i));
      start = -1;
    }
  }
  const hooks = lines.filter((line) => /\bhook\s+input\b/.test(uncommented(line))).length;
  return { chains, strange: hooks > chains.length };
}

function fileChain(lines: readonly string[], name: string, start: number, end: number): FileChain[] {
  const inside = Array.from({ length: end - start - 1 }, (_, i) => start + 1 + i);
  const at = (i: number): string => uncommented(lines[i] ?? "").trim();
  const head = inside.find((i) => /^type\s+filter\s+hook\s+input\b/.test(at(i)));
  if (head === undefined) return [];
  const rules = inside.filter((i) => at(i) !== "" && !SPECIFICATION.test(at(i)));
  const policyDrop = inside.some((i) => SPECIFICATION.test(at(i)) && /\bpolicy\s+drop\b/.test(at(i)));
  return [{ name, rules, head, end, policyDrop }];
}

/** @returns what kind of rule a line of a file is, by its text */
function lineKind(raw: string, mark: number): RuleKind {
  const line = uncommented(raw)
    .replace(/\bcomment ""/, "")
    .replace(/;\s*$/, "")
    .trim();
  const [, left, op, right, rest] =
    /^(?:meta )?mark (?:and|&) (\S+) (==|!=|eq|ne)? ?(\S+) (.*)$/.exec(line) ?? [];
  const compared = op === "!=" || op === "ne" ? 0 : mark;
  return {
    ours:
      Number(left) === mark &&
      Number(right) === compared &&
      /^(counter( packets \d+ bytes \d+)? )?accept$/.test(rest ?? ""),
    established: /\bestablished\b/.test(line) && /\baccept\b/.test(line),
  };
}

const closes = (lines: readonly string[], { rules, policyDrop }: FileChain): boolean =>
  policyDrop || rules.some((i) => /^(counter )?(drop|reject|jump|goto)\b/.test((lines[i] ?? "").trim()));

/** What the look at a file of nft found; `strange`: it has an input chain that only a person can read. */
export interface NftFile {
  readonly places: readonly Place[];
  readonly strange: boolean;
}

/** Looks at a file that `nft -f` reads. Chains of our own table are nobody's business. */
export function nftFile({ path, text = "" }: HostFile, mark: number): NftFile {
  const lines = text.split("\n");
  const { chains, strange } = inputChains(lines);
  const mine = chains.filter((chain) => !chain.name.startsWith("inet knockline ") && closes(lines, chain));
  return { places: mine.length === 0 ? [] : [filePlace(path, lines, mine, mark)], strange };
}

/** All chains of a file are one place: it is written once. */
function filePlace(
  path: string,
  lines: readonly string[],
  chains: readonly FileChain[],
  mark: number,
): Place {
  const ours = new Set(
    chains.flatMap(({ rules }) => rules.filter((i) => lineKind(lines[i] ?? "", mark).ours)),
  );
  const states = chains.map(({ rules }) => stateAmong(rules.map((i) => lineKind(lines[i] ?? "", mark))));
  const write = (text: string): Edit => ({ do: "write", path, text, check: ["nft", "-c", "-f", "-"] });
  const fresh = new Map(
    chains.map(({ rules, head, end }) => [rules[0] ?? end, `${indent(lines[head])}${nftRule(mark)}`]),
  );
  const where = `${path} (${chains.map(({ name }) => name).join(", ")})`;
  const state = states.find((one) => one !== "right") ?? "right";
  return savedAs(
    { where, rules: ["nft"], state },
    {
      with: write(linesWithout(lines, ours, fresh)),
      without: write(linesWithout(lines, ours)),
      there: ours.size > 0,
    },
  );
}

const indent = (line = ""): string => /^\s*/.exec(line)?.[0] ?? "";
