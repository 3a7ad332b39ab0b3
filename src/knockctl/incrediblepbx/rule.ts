import type { PortRange } from "../../shared/firewall/policy.ts";

/** What one rule of iptables comes to for an allowlist. */
export type Rule =
  | {
      readonly kind: "accepts";
      readonly sources: readonly string[];
      readonly ports: readonly PortRange[];
      readonly comment?: string;
    }
  /** Understood, and no entry of an allowlist: in a few words, why. */
  | { readonly kind: "other"; readonly why: string }
  | { readonly kind: "broken"; readonly what: string };

/** The words of one rule, sorted: iptables(8), iptables-extensions(8). */
interface Sorted {
  sources: string[];
  proto?: string;
  ports?: string;
  interface?: string;
  states?: string;
  target?: string;
  comment?: string;
  /** Conditions that an allowlist has none for, as they were written. */
  odd: string[];
}

/** Options with one value, by the field that it belongs in; null: it changes nothing that matters here. */
const OPTIONS: Readonly<Record<string, keyof Omit<Sorted, "sources" | "odd"> | null>> = {
  "-p": "proto",
  "--protocol": "proto",
  "--dport": "ports",
  "--dports": "ports",
  "--destination-port": "ports",
  "--destination-ports": "ports",
  "-i": "interface",
  "--in-interface": "interface",
  "--state": "states",
  "--ctstate": "states",
  "-j": "target",
  "--jump": "target",
  "--comment": "comment",
  "-m": null,
  "--match": null,
};

const SOURCE = /^(-s|--src|--source)$/;

function sort(words: readonly string[]): Sorted {
  const sorted: Sorted = { sources: [], odd: [] };
  for (let at = 0; at < words.length; at++) {
    const [word = "", value = ""] = words.slice(at, at + 2);
    const field = OPTIONS[word];
    if (SOURCE.test(word)) sorted.sources.push(...value.split(","));
    else if (field != null) sorted[field] = value;
    else if (field === undefined) sorted.odd.push(word.startsWith("-") ? `${word} ${value}`.trim() : word);
    // a word that is no option stands alone: the `!` before one
    if (word.startsWith("-")) at += 1;
  }
  return sorted;
}

/** `5060:5069`, `22`, `80,443`: of a protocol. @returns undefined for ports by name, and what is none */
function portsOf(proto: string, text: string): PortRange[] | undefined {
  const ranges = text.split(",").map((part) => {
    const [, from = "", to = from] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(part) ?? [];
    return { proto: proto as PortRange["proto"], from: Number(from || "NaN"), to: Number(to || "NaN") };
  });
  const sound = ({ from, to }: PortRange): boolean => from >= 1 && from <= to && to <= 65_535;
  return ranges.every(sound) ? ranges : undefined;
}

/** Why a rule without a source is no entry of an allowlist. */
function forEverybody({ interface: name, states, proto, ports }: Sorted): string {
  if (name === "lo") return "loopback is always let in";
  if (name !== undefined)
    return `everything from ${name}: name it in [firewall] trusted_interfaces if that is meant`;
  if (/ESTABLISHED/.test(states ?? "")) return "replies are always let in";
  if (ports !== undefined)
    return `open to everybody: ${proto}/${ports.replace(/:/g, "-")} in [firewall] public if that is meant`;
  if (/icmp/.test(proto ?? "")) return "essential ICMP is always let in";
  return "lets everybody in";
}

const EVERYBODY = /^(0\.0\.0\.0|::)\/0+(\.0\.0\.0)?$/;

/**
 * Reads one rule of the chain INPUT.
 * @param words what follows the chain's name
 */
export function readRule(words: readonly string[]): Rule {
  const sorted = sort(words);
  const { target = "", proto, ports, comment, odd } = sorted;
  const sources = sorted.sources.filter((source) => !EVERYBODY.test(source));
  if (target !== "ACCEPT")
    return { kind: "other", why: `it does not let in (${target === "" ? "no target" : target})` };
  if (odd.includes("!")) return { kind: "other", why: "for all but whom it names: say whom you mean" };
  if (sources.length === 0) return { kind: "other", why: forEverybody(sorted) };
  if (sources.some((source) => source.includes("$")))
    return { kind: "other", why: "its address is a variable of the script" };
  if (sorted.interface !== undefined) odd.push(`-i ${sorted.interface}`);
  if (odd.length > 0)
    return { kind: "other", why: `it has a condition that the allowlist has not: ${odd.join(" ")}` };
  const said = comment === undefined ? {} : { comment };
  if (proto === undefined || proto === "all") return { kind: "accepts", sources, ports: [], ...said };
  if (proto !== "tcp" && proto !== "udp") return { kind: "other", why: `only ${proto}` };
  const ranges = portsOf(proto, ports ?? "1:65535");
  return ranges === undefined
    ? { kind: "broken", what: `${JSON.stringify(ports)} is no port` }
    : { kind: "accepts", sources, ports: ranges, ...said };
}
