import { type Duration, seconds } from "../../shared/duration.ts";
import type { PortRange } from "../../shared/firewall/policy.ts";
import { wordsOf } from "../integrate/iptables-text.ts";
import { readRule } from "./rule.ts";
import type { At, FoundFile, Remark } from "./whitelist.ts";

/** A sequence of knockd.conf(5): a door and its knock. */
export interface Sequence {
  readonly at: At;
  readonly name: string;
  readonly steps: readonly { readonly proto: "tcp" | "udp"; readonly port: number }[];
  /** knockd's own default is 25 s. */
  readonly window: Duration;
  /** How long it stays open: `cmd_timeout`. null: until somebody closes it. */
  readonly opensFor: Duration | null;
  /** The ports that its command opens; empty: all. null: it does something else. */
  readonly ports: readonly PortRange[] | null;
}

/** What a knockd.conf says. */
export interface KnockdConf {
  readonly sequences: readonly Sequence[];
  /** Of `[options]`, keys in lower case; a switch has an empty value. */
  readonly options: ReadonlyMap<string, string>;
  /** Sequences that are no door for one address. */
  readonly left: readonly Remark[];
  readonly problems: readonly Remark[];
}

const DEFAULT_WINDOW = seconds(25);

/** knockd(1): what `[options]` and a sequence may say. */
const OPTION_KEYS = ["usesyslog", "logfile", "pidfile", "interface"];
const SEQUENCE_KEYS = [
  ..."sequence one_time_sequences seq_timeout start_command start_command_6 command command_6".split(" "),
  ..."cmd_timeout stop_command stop_command_6 tcpflags target".split(" "),
];

interface Section {
  readonly at: At;
  readonly name: string;
  readonly values: Map<string, { readonly at: At; readonly value: string }>; // bounded: the known keys
}

/** Reads a knockd.conf: sections, `key = value` lines, comments with `#`. Keys in any case, as knockd takes them. */
export function readKnockdConf({ path, text }: FoundFile): KnockdConf {
  const problems: Remark[] = []; // bounded: by the text, as all here
  const sections: Section[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const at = { path, line: index + 1 };
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const wrong = (why: string): unknown => problems.push({ at, text: line, why });
    const [, inside] = /^\[(.*)\]$/.exec(line) ?? [];
    const name = inside?.trim(); // not by the pattern, which would try each blank on either side
    if (name !== undefined) {
      sections.push({ at, name, values: new Map() });
      continue;
    }
    const [, word = "", value = ""] = /^(\w+)(?:\s*=\s*(.*))?$/.exec(line) ?? [];
    const section = sections.at(-1);
    const known = section?.name.toLowerCase() === "options" ? OPTION_KEYS : SEQUENCE_KEYS;
    const key = word.toLowerCase();
    if (section === undefined) wrong("before the first [section]");
    else if (!known.includes(key)) wrong(`${JSON.stringify(word || line)} is no setting of knockd`);
    else section.values.set(key, { at, value });
  }
  const doors = sections.filter(({ name }) => name.toLowerCase() !== "options");
  const read = doors.map((section) => readSequence(section));
  const options = sections.find(({ name }) => name.toLowerCase() === "options")?.values ?? new Map();
  return {
    sequences: read.flatMap((one) => ("steps" in one ? [one] : [])),
    options: new Map([...options].map(([key, { value }]) => [key, value])),
    left: read.flatMap((one) => ("why" in one && !("broken" in one) ? [one] : [])),
    problems: [...problems, ...read.flatMap((one) => ("broken" in one ? [one] : []))].sort(
      (a, b) => a.at.line - b.at.line,
    ),
  };
}

function readSequence({
  at,
  name,
  values,
}: Section): Sequence | Remark | (Remark & { readonly broken: true }) {
  const said = (key: string): string | undefined => values.get(key)?.value;
  const text = `[${name}]`;
  if (values.has("one_time_sequences"))
    return {
      at,
      text,
      why: "one-time sequences are a file of knockd's: a user with an authenticator takes their place",
    };
  const steps = (said("sequence") ?? "").split(",").map(stepOf);
  if (steps.some((step) => step === undefined))
    return {
      at: values.get("sequence")?.at ?? at,
      text,
      why: "sequence must be ports: 7001:udp,9003,8002:tcp",
      broken: true,
    };
  const start = said("start_command") ?? said("command") ?? "";
  const ports = portsOpened(start);
  if (/\s-(D|-delete)\s/.test(start))
    return {
      at,
      text,
      why: "closes what another knock opened: grants end by themselves, or by `knockctl revoke`",
    };
  return {
    at,
    name,
    steps: steps as Sequence["steps"],
    window: secondsOr(said("seq_timeout"), DEFAULT_WINDOW),
    opensFor: values.has("stop_command") ? secondsOr(said("cmd_timeout"), seconds(10)) : null,
    ports,
  };
}

function stepOf(text: string): Sequence["steps"][number] | undefined {
  const [, port = "", proto = "tcp"] = /^\s*(\d{1,5})(?::(tcp|udp))?\s*$/i.exec(text) ?? [];
  const number = Number(port || "NaN");
  return number >= 1 && number <= 65_535
    ? { proto: proto.toLowerCase() as "tcp" | "udp", port: number }
    : undefined;
}

const secondsOr = <T>(text: string | undefined, fallback: T): Duration | T =>
  /^\d{1,8}$/.test(text ?? "") ? seconds(Number(text)) : fallback;

/** The ports that a command opens for %IP%, where it is one rule of iptables. */
function portsOpened(command: string): readonly PortRange[] | null {
  const [, rest] = /ip6?tables(?:\s+-w)?\s+-(?:A|I)\s+INPUT(?:\s+\d+)?(\s.*)$/.exec(command) ?? [];
  const rule = rest === undefined ? undefined : readRule(wordsOf(rest.replaceAll("%IP%", "192.0.2.1")));
  return rule?.kind === "accepts" ? rule.ports : null;
}
