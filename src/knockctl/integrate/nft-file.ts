import { type HostFile, linesWithout } from "./iptables-places.ts";
import { nftRule } from "./mark.ts";
import { bare, type FileChain, inputChains, ruleIn } from "./nft-chains.ts";
import { type SourceLine, sourceOf, wholeOf } from "./nft-source.ts";
import { type Edit, type Place, type RuleKind, stateAmong } from "./place.ts";

/** @returns what kind of rule this is, by its text */
function kindOf(rule: string, mark: number): RuleKind {
  const [, left, op, right, rest] =
    /^(?:meta )?mark (?:and|&) (\S+) (==|!=|eq|ne)? ?(\S+) (.*)$/.exec(rule.replace(/ ?\bcomment ""/, "")) ??
    [];
  const compared = op === "!=" || op === "ne" ? 0 : mark;
  return {
    ours:
      Number(left) === mark &&
      Number(right) === compared &&
      /^(counter( packets \d+ bytes \d+)? )?accept$/.test(rest ?? ""),
    established: /\bestablished\b/.test(rule) && /\baccept\b/.test(rule),
  };
}

/** A file that `nft -f` reads, with all that it includes, and what is to be found there. */
interface Source {
  readonly file: HostFile;
  readonly files: readonly HostFile[];
  readonly lines: readonly SourceLine[];
  readonly mark: number;
}

const rawOf = ({ lines }: Source, i: number): string => lines[i]?.raw ?? "";

const closes = (source: Source, { rules, policyDrop }: FileChain): boolean =>
  policyDrop || rules.some((i) => /^(counter )?(drop|reject|jump|goto)\b/.test(ruleIn(rawOf(source, i))));

/**
 * Looks at a file that `nft -f` reads, and at the files it includes. Chains of our own table are nobody's business.
 * @param files all files that it can include, with itself
 */
export function nftPlacesIn(file: HostFile, files: readonly HostFile[], mark: number): Place[] {
  const source: Source = { file, files, lines: sourceOf(file, files), mark };
  const { chains, strange } = inputChains(source.lines.map(({ raw }) => raw));
  const mine = chains.filter((chain) => !chain.name.startsWith("inet knockline ") && closes(source, chain));
  return [...(mine.length === 0 ? [] : [chainsPlace(source, mine)]), ...handPlaces(source, chains, strange)];
}

/** All chains are one place: they are tried together. */
function chainsPlace(source: Source, chains: readonly FileChain[]): Place {
  const kind = (i: number): RuleKind => kindOf(ruleIn(rawOf(source, i)), source.mark);
  const ours = new Set(chains.flatMap(({ rules }) => rules.filter((i) => kind(i).ours)));
  const states = chains.map(({ rules }) => stateAmong(rules.map(kind)));
  const state = states.find((one) => one !== "right") ?? "right";
  const fresh = new Map(chains.map(({ first, lead }) => [first, `${lead}${nftRule(source.mark)}`]));
  const paths = new Set(chains.map(({ first }) => source.lines[first]?.path));
  return {
    where: `${[...paths].join(", ")} (${chains.map(({ name }) => name).join(", ")})`,
    rules: ["nft"],
    saved: true,
    state,
    add: state === "right" ? [] : writes(source, ours, fresh),
    remove: writes(source, ours),
  };
}

/** Writes each file of which lines go, or before whose lines new ones stand; all of them are tried as one. */
function writes(source: Source, gone: ReadonlySet<number>, fresh?: ReadonlyMap<number, string>): Edit[] {
  const touched = new Set([...gone, ...(fresh?.keys() ?? [])].map((i) => source.lines[i]?.path));
  const rewritten = (file: HostFile): HostFile =>
    touched.has(file.path) ? { ...file, text: textWith(source, file, gone, fresh) } : file;
  const files = source.files.map(rewritten);
  const whole = wholeOf(sourceOf(rewritten(source.file), files));
  return files
    .filter(({ path }) => touched.has(path))
    .map(({ path, text }) => ({ do: "write", path, text, check: CHECK, ...(whole !== text && { whole }) }));
}

const CHECK = ["nft", "-c", "-f", "-"] as const;

function textWith(
  { lines }: Source,
  { path, text = "" }: HostFile,
  gone: ReadonlySet<number>,
  fresh: ReadonlyMap<number, string> = new Map(),
): string {
  const here = (i: number): number[] => (lines[i]?.path === path ? [lines[i].number] : []);
  return linesWithout(
    text.split("\n"),
    new Set([...gone].flatMap(here)),
    new Map([...fresh].flatMap(([i, line]) => here(i).map((number) => [number, line] as const))),
  );
}

/** Files with chains that are written in another way, and that may close: their rule is put there by hand. */
function handPlaces(source: Source, chains: readonly FileChain[], strange: readonly number[]): Place[] {
  const { lines, mark } = source;
  const known = new Set(chains.flatMap(({ rules }) => rules));
  const rest = lines.filter((_, i) => !known.has(i)).map(({ raw }) => bare(raw));
  if (strange.length === 0 || !rest.some((line) => /\b(drop|reject)\b/.test(line))) return [];
  const isThere = rest.some((line) => line.split(/[;{}]/).some((part) => kindOf(ruleIn(part), mark).ours));
  const at = strange.map((i) => `${lines[i]?.path}, line ${(lines[i]?.number ?? 0) + 1}`);
  const state = isThere ? "right" : "missing";
  const where = [...new Set(at)].join("; ");
  return [{ where, rules: ["nft"], saved: true, state, add: [], remove: [], byHand: nftRule(mark) }];
}
