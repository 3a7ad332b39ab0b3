import type { PortRange } from "../../shared/firewall/policy.ts";
import { parseName } from "../../shared/names/name.ts";
import { parseNetwork } from "../../shared/network.ts";
import { wordsOf } from "../integrate/iptables-text.ts";
import { readRule } from "./rule.ts";

/** A file of an installation. */
export interface FoundFile {
  /** As it is called on the PBX: `/root/ann.iptables`. */
  readonly path: string;
  readonly text: string;
}

/** Where something was found. Lines count from 1. */
export interface At {
  readonly path: string;
  readonly line: number;
}

/** Somebody who is let in by a line. */
export interface Listed {
  readonly at: At;
  /** As it was written: an address, a network (also with a netmask), a name. */
  readonly source: string;
  /** Empty: all. */
  readonly ports: readonly PortRange[];
  readonly note: string | null;
  /** Of an account file: the file's account. */
  readonly account: string | null;
}

/** Something that was understood and is not taken, or (a problem) not understood. */
export interface Remark {
  readonly at: At;
  /** The line, without blanks around. */
  readonly text: string;
  readonly why: string;
}

/** What a file of rules or an account file says. */
export interface Whitelist {
  readonly listed: readonly Listed[];
  readonly left: readonly Remark[];
  readonly problems: readonly Remark[];
}

/** `iptables -A INPUT ...` of a script, with any path before it; `-A INPUT ...` as iptables-save writes it. */
const RULE =
  /^(?:(?:sudo\s+)?\S*\bip6?tables(?:-\w+)?(?:\s+-w)?\s+)?(?:-t\s+(\S+)\s+)?-(?:A|I)\s+(\S+)(?:\s+\d+)?(?=\s)(.*)$/;

/** The account that a file is for: `/root/ann.iptables` is Ann's. */
const accountOf = (path: string): string | null => /([^/]+)\.iptables$/.exec(path)?.[1] ?? null;

/** Takes a comment off the end of a line of a script. */
function withoutComment(line: string): { words: string; comment: string | undefined } {
  const [, words = "", comment] = /^((?:"[^"]*"|[^"])*?)(?:\s#+\s*(.*))?$/.exec(line) ?? [];
  return { words: words.trim(), comment: comment?.trim() || undefined };
}

/** A line of a file, with what the lines before it say about it. */
interface Line {
  readonly at: At;
  /** Without blanks around; no comment, not empty. */
  readonly text: string;
  /** The table of iptables that it belongs to. */
  readonly table: string;
  /** The comment above: who wrote by hand wrote there whose it is. */
  readonly heading: string | null;
}

function* linesOf({ path, text }: FoundFile): Generator<Line> {
  let table = "filter";
  let heading: string | null = null;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    table = /^\*(\S+)/.exec(line)?.[1] ?? table;
    if (line.startsWith("#")) heading = line.replace(/^[#!\s]+/, "") || null;
    else if (line === "") heading = null;
    else yield { at: { path, line: index + 1 }, text: line, table, heading };
  }
}

/** What one line comes to; undefined: it is about something else. */
type Read = { readonly listed: readonly Listed[] } | { readonly left: Remark } | { readonly problem: Remark };

/**
 * Reads whom a file lets in: `iptables-custom`, a file of iptables-save, or an account file of add-ip and add-fqdn, whose
 * lines are rules, or `NAME=VALUE`, or bare addresses and names.
 */
export function readWhitelist(file: FoundFile): Whitelist {
  const account = accountOf(file.path);
  const read = [...linesOf(file)].flatMap((line) => readLine(line, account) ?? []); // bounded: by the text
  return {
    listed: read.flatMap((one) => ("listed" in one ? one.listed : [])),
    left: read.flatMap((one) => ("left" in one ? [one.left] : [])),
    problems: read.flatMap((one) => ("problem" in one ? [one.problem] : [])),
  };
}

function readLine({ at, text, table, heading }: Line, account: string | null): Read | undefined {
  const { words, comment } = withoutComment(text);
  const [, named = table, chain, rest = ""] = RULE.exec(words) ?? [];
  if (chain === undefined) return account === null ? undefined : readAccountLine(words, at, account);
  if (chain !== "INPUT" || named !== "filter") return undefined;
  const rule = readRule(wordsOf(rest));
  if (rule.kind === "other") return { left: { at, text, why: rule.why } };
  if (rule.kind === "broken") return { problem: { at, text, why: rule.what } };
  const note = account ?? rule.comment ?? comment ?? heading;
  return { listed: rule.sources.map((source) => ({ at, source, ports: rule.ports, note, account })) };
}

/** `ip=203.0.113.7`, `FQDN: ann.example.net`, or the value alone. Other settings say nothing about addresses. */
const SETTING = /^(?:(?:export\s+)?([A-Za-z]\w*)\s*(?:=|:\s)\s*)?["']?([^\s"']*)["']?$/;

function readAccountLine(words: string, at: At, account: string): Read | undefined {
  const [, key, source = ""] = SETTING.exec(words) ?? [];
  if (parseNetwork(source) !== undefined || parseName(source) !== undefined)
    return { listed: [{ at, source, ports: [], note: account, account }] };
  if (key !== undefined || words === "COMMIT" || /^[*:]/.test(words)) return undefined;
  return { problem: { at, text: words, why: "neither a rule of iptables nor an address or a name" } };
}
