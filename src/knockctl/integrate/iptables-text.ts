import { type Masked, touches, WHOLE } from "./mark.ts";
import type { RuleKind } from "./place.ts";

/** One `-A` line of a text in the form of iptables-save(8). */
export interface IptablesRule {
  /** Its line in the text, from 0. */
  readonly line: number;
  readonly table: string;
  readonly chain: string;
  /** What follows the chain's name, without quotes around words. */
  readonly words: readonly string[];
}

/** Rules and chains of such a text; what is neither is left where it is. */
export interface IptablesText {
  readonly lines: readonly string[];
  /** Policy by `table chain`; "-" for a chain that is no built-in. */
  readonly policies: ReadonlyMap<string, string>;
  readonly rules: readonly IptablesRule[];
  /** The line of each table's COMMIT. */
  readonly commits: ReadonlyMap<string, number>;
}

/** Reads what iptables-save printed, or a file that iptables-restore reads (ufw's before.rules is one). */
export function readIptables(text: string): IptablesText {
  const lines = text.split("\n");
  const policies = new Map<string, string>(); // bounded: by the text, as all here
  const commits = new Map<string, number>();
  const rules: IptablesRule[] = [];
  let table = "";
  for (const [line, raw] of lines.entries()) {
    const [, name] = /^\*(\S+)/.exec(raw) ?? [];
    if (name !== undefined) table = name;
    const [, chain, policy] = /^:(\S+)\s+(\S+)/.exec(raw) ?? [];
    if (chain !== undefined) policies.set(`${table} ${chain}`, policy ?? "-");
    if (raw.startsWith("COMMIT")) commits.set(table, line);
    const [, where, spec] = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)$/.exec(raw) ?? [];
    if (where !== undefined) rules.push({ line, table, chain: where, words: wordsOf(spec ?? "") });
  }
  return { lines, policies, rules, commits };
}

/** @returns words as a shell would split them; iptables-save quotes only comments and log prefixes. */
export function wordsOf(spec: string): string[] {
  const words = spec.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return words.map((word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, "$1") : word));
}

/** @returns the words without their comment, which changes nothing */
function bare(words: readonly string[]): string[] {
  const at = words.indexOf("--comment");
  if (at < 0) return [...words];
  const start = words[at - 1] === "comment" && words[at - 2] === "-m" ? at - 2 : at;
  return [...words.slice(0, start), ...words.slice(at + 2)];
}

const masked = (text: string): Masked => {
  const [value = "", mask] = text.split("/");
  return { value: Number(value), mask: mask === undefined ? WHOLE : Number(mask) };
};

/** Looks whether a rule is ours, and whether it accepts established connections. */
export function kindOf({ words }: IptablesRule, mark: number): RuleKind {
  const [m, module, option, value = "", j, target, ...rest] = bare(words);
  const shape = [m, module, option, j, target].join(" ") === "-m mark --mark -j ACCEPT" && rest.length === 0;
  const { value: wanted, mask } = masked(value);
  const accepts = words[words.indexOf("-j") + 1] === "ACCEPT";
  return {
    ours: shape && wanted === mark && mask === mark,
    established: accepts && words.some((word) => /(^|,)ESTABLISHED(,|$)/.test(word)),
  };
}

/** Options of iptables-extensions(8) that name a mark, or a mask of it. */
const MARK_OPTION = /^--(mark|set-mark|set-xmark|or-mark|xor-mark|nfmask|ctmask|mask)$/;

/** @returns true when the rule looks at our bit, or changes it */
export function usesBit({ words }: IptablesRule, bit: number): boolean {
  return words.some((word, i) => {
    const value = words[i + 1] ?? "";
    if (word === "--and-mark") return (Number(value) & bit) === 0;
    if (!MARK_OPTION.test(word)) return false;
    const isMask = /mask$/.test(word);
    return touches(isMask ? { value: 0, mask: Number(value) } : masked(value), bit);
  });
}

/** Targets after which a packet goes on through the chain, or is let in. */
const HARMLESS = /^(ACCEPT|RETURN|LOG|NFLOG|MARK|CONNMARK|f2b-.*)$/;

/** @returns true when whoever is not named by a rule of INPUT does not get in, as far as can be seen */
export function closesInput(text: IptablesText): boolean {
  if (text.policies.get("filter INPUT") === "DROP") return true;
  const all = text.rules.filter(({ table, chain }) => table === "filter" && chain === "INPUT");
  return all.some(({ words: [first, target = ""] }) => first === "-j" && !HARMLESS.test(target));
}

/** Chains in which ufw, and firewalld on iptables, want the admin's own rules; their INPUT is not to be touched. */
const ADMINS_CHAINS = ["ufw-before-input", "ufw6-before-input", "INPUT_direct"];

/** @returns the chain of table filter that our rule belongs in */
export function inputChain({ policies }: IptablesText): string {
  return ADMINS_CHAINS.find((chain) => policies.has(`filter ${chain}`)) ?? "INPUT";
}
