/** A chain on the input hook in what `nft -f` reads. Numbers are lines of that, from 0. */
export interface FileChain {
  /** `inet filter input`. */
  readonly name: string;
  /** Its rules, each in a line of its own. */
  readonly rules: readonly number[];
  /** A first rule stands before this line. */
  readonly first: number;
  /** What a rule's line begins with. */
  readonly lead: string;
  readonly policyDrop: boolean;
}

/** What was found; `strange`: lines of input chains that are written in a way that only a person can read. */
export interface FileChains {
  readonly chains: readonly FileChain[];
  readonly strange: readonly number[];
}

/** @returns a line without its comment, and without what is in quotes */
export const bare = (line: string): string =>
  line
    .replace(/"[^"]*"/g, '""')
    .replace(/#.*$/, "")
    .trim();

/** Lines of a chain's block that are no rules. */
const SPECIFICATION = /^(type|policy|flags|devices?|comment)\b/;

const DROPS = /\bpolicy\s+drop\b/;

/** Finds the chains on the input hook, in blocks as `nft list ruleset` prints them or in `add` commands, a rule a line. */
export function inputChains(lines: readonly string[]): FileChains {
  const found = [...blocks(lines), ...commands(lines)];
  const heads = new Set(found.map(({ head }) => head));
  const hooks = lines.flatMap((line, i) => (/\bfilter\s+hook\s+input\b/.test(bare(line)) ? [i] : []));
  return { chains: found.map(({ chain }) => chain), strange: hooks.filter((i) => !heads.has(i)) };
}

/** `head`: the line with its `type filter hook input`. */
interface Found {
  readonly head: number;
  readonly chain: FileChain;
}

const withFamily = (name: string, words: number): string =>
  name.split(/\s+/).length < words ? `ip ${name}` : name.replace(/\s+/g, " ");

function blocks(lines: readonly string[]): Found[] {
  const found: Found[] = [];
  let [table, chain, start, depth] = ["", "", -1, 0];
  for (const [i, raw] of lines.entries()) {
    const line = bare(raw);
    const [, tableName] = /^table\s+(.+?)\s*\{$/.exec(line) ?? [];
    const [, chainName] = /^chain\s+(\S+)\s*\{$/.exec(line) ?? [];
    if (tableName !== undefined && depth === 0) table = withFamily(tableName, 2);
    if (chainName !== undefined && depth === 1) [chain, start] = [chainName, i];
    depth += (line.match(/\{/g)?.length ?? 0) - (line.match(/\}/g)?.length ?? 0);
    if (depth === 1 && start >= 0 && line === "}") {
      found.push(...block(lines, `${table} ${chain}`, start, i));
      start = -1;
    }
  }
  return found;
}

function block(lines: readonly string[], name: string, start: number, end: number): Found[] {
  const inside = Array.from({ length: end - start - 1 }, (_, i) => start + 1 + i);
  const at = (i: number): string => bare(lines[i] ?? "");
  const head = inside.find((i) => /^type\s+filter\s+hook\s+input\b/.test(at(i)));
  if (head === undefined) return [];
  const rules = inside.filter((i) => i > head && at(i) !== "" && !SPECIFICATION.test(at(i)));
  const policyDrop = inside.some((i) => SPECIFICATION.test(at(i)) && DROPS.test(at(i)));
  const [lead = ""] = /^\s*/.exec(lines[head] ?? "") ?? [];
  return [{ head, chain: { name, rules, first: rules[0] ?? end, lead, policyDrop } }];
}

const ADD_CHAIN =
  /^(?:add|create)\s+chain\s+((?:(?:ip6?|inet)\s+)?\S+\s+\S+)\s*\{\s*type\s+filter\s+hook\s+input\b.*\}\s*;?$/;
const ADD_RULE = /^add\s+rule\s+((?:(?:ip6?|inet)\s+)?\S+\s+\S+)\s/;

function commands(lines: readonly string[]): Found[] {
  const chainOf = (line: string, pattern: RegExp): string | undefined => {
    const [, name] = pattern.exec(bare(line)) ?? [];
    return name && withFamily(name, 3);
  };
  const rules = lines.map((line) => chainOf(line, ADD_RULE));
  return lines.flatMap((line, head) => {
    const name = chainOf(line, ADD_CHAIN);
    if (name === undefined || head + 1 === lines.length) return [];
    const mine = rules.flatMap((one, i) => (one === name && i > head ? [i] : []));
    const policyDrop = DROPS.test(bare(line));
    return [{ head, chain: { name, rules: mine, first: head + 1, lead: `add rule ${name} `, policyDrop } }];
  });
}

/** @returns the rule that a line adds, by its words alone */
export const ruleIn = (line: string): string => bare(line).replace(ADD_RULE, "").replace(/;\s*$/, "").trim();
