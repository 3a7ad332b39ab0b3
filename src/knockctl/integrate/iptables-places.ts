import {
  closesInput,
  type IptablesRule,
  type IptablesText,
  inputChain,
  kindOf,
  readIptables,
} from "./iptables-text.ts";
import { iptablesRule } from "./mark.ts";
import { type Edit, type Place, stateAmong } from "./place.ts";

/** A file that iptables-restore reads. */
export interface SavedFile extends HostFile {
  readonly family: 4 | 6;
  /** What reads a new text from stdin and must like it before it is written. */
  readonly check: readonly string[] | undefined;
}

/** What `iptables-save` of one kind and family printed. */
export interface IptablesDump {
  readonly kind: "nft" | "legacy";
  readonly family: 4 | 6;
  readonly text: string;
}

/** A file of the host, as it is now; undefined: there is none. */
export interface HostFile {
  readonly path: string;
  readonly text: string | undefined;
}

const rulesOf = ({ rules }: IptablesText, chain: string): IptablesRule[] =>
  rules.filter((rule) => rule.table === "filter" && rule.chain === chain);

/** Looks at the running rules of one iptables. @returns no place where nothing is closed */
export function runningPlace({ kind, family, text }: IptablesDump, mark: number): Place[] {
  const read = readIptables(text);
  if (!closesInput(read)) return [];
  const chain = inputChain(read);
  const program = `ip${family === 6 ? "6" : ""}tables-${kind}`;
  const command = (...args: string[]): Edit => ({ do: "run", command: [program, "-w", ...args] });
  const rules = rulesOf(read, chain);
  const state = stateAmong(rules.map((rule) => kindOf(rule, mark)));
  const remove = rules
    .filter((rule) => kindOf(rule, mark).ours)
    .map(({ words }) => command("-D", chain, ...words));
  // by what it says, not by its number, which fail2ban may change meanwhile: that takes the first of two alike, so
  // the new one comes last
  const add = [...remove, command("-I", chain, "1", ...iptablesRule(mark))];
  return [
    {
      where: `iptables-${kind} ${chain} (IPv${family})`,
      rules: [`IPv${family}`],
      saved: false,
      state,
      add: state === "right" ? [] : add,
      remove,
    },
  ];
}

/** Looks at a file that iptables-restore reads. @returns no place where it closes nothing */
export function savedPlace(file: SavedFile, mark: number): Place[] {
  const { path, text = "", family, check } = file;
  const read = readIptables(text);
  const chain = inputChain(read);
  if (chain === "INPUT" && !closesInput(read)) return [];
  const rules = rulesOf(read, chain);
  const ours = new Set(rules.filter((rule) => kindOf(rule, mark).ours).map(({ line }) => line));
  const first = rules[0]?.line ?? read.commits.get("filter");
  if (first === undefined) return [];
  const rule = `-A ${chain} ${iptablesRule(mark).join(" ")}`;
  const write = (text: string): Edit => ({ do: "write", path, text, ...(check && { check }) });
  const state = stateAmong(rules.map((one) => kindOf(one, mark)));
  return [
    savedAs(
      { where: `${path} (${chain})`, rules: [`IPv${family}`], state },
      {
        without: write(linesWithout(read.lines, ours)),
        with: write(linesWithout(read.lines, ours, new Map([[first, rule]]))),
        there: ours.size > 0,
      },
    ),
  ];
}

/**
 * FreePBX's firewall builds its chains anew and then gives each line of this file to iptables as arguments (its
 * setting "Custom Firewall Rules").
 */
export function freepbxPlace({ path, text }: HostFile, family: 4 | 6, mark: number): Place[] {
  const rule = `-I INPUT 1 ${iptablesRule(mark).join(" ")}`;
  const lines = (text ?? "").split("\n");
  const ours = new Set(lines.flatMap((line, i) => (line === rule ? [i] : [])));
  const kinds = lines.map((line) => ({ ours: line === rule, established: false }));
  const rest = linesWithout(lines, ours);
  const end = rest === "" || rest.endsWith("\n") ? "" : "\n";
  const write = (text: string | undefined): Edit => ({ do: "write", path, text });
  return [
    savedAs(
      { where: path, rules: [`IPv${family}`], state: stateAmong(kinds) },
      {
        without: write(rest === "" ? undefined : rest),
        with: write(`${rest}${end}${rule}\n`),
        there: ours.size > 0,
      },
    ),
  ];
}

/** @returns a place in a file, from its two versions */
export function savedAs(
  place: Pick<Place, "where" | "rules" | "state">,
  versions: { readonly with: Edit; readonly without: Edit; readonly there: boolean },
): Place {
  const add = place.state === "right" ? [] : [versions.with];
  return { ...place, saved: true, add, remove: versions.there ? [versions.without] : [] };
}

/** @returns the text without some lines, and with new ones, each before the line that was at its number */
export function linesWithout(
  lines: readonly string[],
  gone: ReadonlySet<number>,
  fresh: ReadonlyMap<number, string> = new Map(),
): string {
  return lines.flatMap((line, i) => [fresh.get(i) ?? [], gone.has(i) ? [] : line].flat()).join("\n");
}
