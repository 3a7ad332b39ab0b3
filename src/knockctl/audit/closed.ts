import { formatPorts, type PortRange } from "../../shared/firewall/policy.ts";
import { type IptablesRule, readIptables } from "../integrate/iptables-text.ts";
import { hasStatement, readNft } from "../integrate/nft-json.ts";
import type { Place } from "../integrate/place.ts";
import { type Survey, survey } from "../integrate/survey.ts";
import type { Listener, Seen } from "./seen.ts";

/** The two address families. */
export type Family = 4 | 6;

/** What the host's own firewall is found to be; undefined when it could not be read. */
export function hostSurvey({ machine, settings }: Seen): Survey | undefined {
  return machine.firewall && survey(machine.firewall, settings.policy.mark);
}

/** @returns the families whose input the host's own firewall closes to whom it does not name */
export function closedByHost(places: readonly Place[]): Set<Family> {
  const closed = new Set<Family>();
  for (const { saved, rules, where } of places) {
    if (saved) continue;
    if (rules.includes("IPv4") || where.startsWith("nft ip ") || where.startsWith("nft inet ")) closed.add(4);
    if (rules.includes("IPv6") || where.startsWith("nft ip6 ") || where.startsWith("nft inet "))
      closed.add(6);
  }
  return closed;
}

/** @returns true when our table, as it is in force, closes a port to strangers */
export function closedByUs({ status, settings }: Seen, port: Pick<Listener, "proto" | "port">): boolean {
  if (!["ok", "trial"].includes(status.firewall.state)) return false;
  const isIn = (ranges: readonly PortRange[]): boolean => ranges.some((range) => covers(range, port));
  if (status.firewall.guard === "everything") return !isIn(settings.policy.public);
  if (status.firewall.guard === "services") return settings.policy.services.some(({ ports }) => isIn(ports));
  return false;
}

/** @returns true when the port is in the range */
export const covers = ({ proto, from, to }: PortRange, one: Pick<Listener, "proto" | "port">): boolean =>
  proto === one.proto && from <= one.port && one.port <= to;

/** @returns true when an admin said that everybody may reach it */
export const isPublic = ({ settings }: Seen, port: Pick<Listener, "proto" | "port">): boolean =>
  settings.policy.public.some((range) => covers(range, port));

/** A rule of the host that lets everybody in, to one port or to all. */
export interface OpenRule {
  readonly family: Family;
  /** As a person would find it. */
  readonly where: string;
  readonly rule: string;
  /** undefined: every port. */
  readonly ports: PortRange | undefined;
  /** A command that takes it away. */
  readonly remove: string;
}

/** Words of a rule that narrow whom it is for; a rule with one of them is no rule for everybody. */
const NARROW =
  /^(-s|--source|-i|--in-interface|--ctstate|--state|--src-range|--match-set|--mark|--limit|--icmp-type|--icmpv6-type|--mac-source|--uid-owner|--dst|-d)$/;

/** @returns the rules of iptables' INPUT that accept whoever comes */
export function openRules({ machine }: Seen): OpenRule[] {
  return (machine.firewall?.iptables ?? []).flatMap(({ kind, family, text }) =>
    readIptables(text)
      .rules.filter(({ table, chain }) => table === "filter" && chain === "INPUT")
      .filter(acceptsAnybody)
      .map((rule) => {
        const program = `ip${family === 6 ? "6" : ""}tables-${kind}`;
        const words = rule.words.join(" ");
        const where = `${program} INPUT`;
        return { family, where, rule: words, ports: portsOf(rule), remove: `${program} -D INPUT ${words}` };
      }),
  );
}

function acceptsAnybody({ words }: IptablesRule): boolean {
  if (words[words.indexOf("-j") + 1] !== "ACCEPT" || words.includes("!")) return false;
  const proto = words[words.indexOf("-p") + 1];
  if (words.includes("-p") && proto !== "tcp" && proto !== "udp") return false;
  return !words.some((word) => NARROW.test(word));
}

/** `-p tcp --dport 22`, `--dport 5060:5061`, `--dports 80` (the first of several). */
function portsOf({ words }: IptablesRule): PortRange | undefined {
  const proto = words[words.indexOf("-p") + 1];
  const at = words.findIndex((word) => word === "--dport" || word === "--dports");
  const [, from, to] = /^(\d+)(?::(\d+))?/.exec(words[at + 1] ?? "") ?? [];
  if (at < 0 || from === undefined || (proto !== "tcp" && proto !== "udp")) return undefined;
  return { proto, from: Number(from), to: Number(to ?? from) };
}

/** @returns how a rule's ports are called: `tcp/22`, or all */
export const portsText = (ports: PortRange | undefined): string =>
  ports === undefined ? "every port" : formatPorts(ports);

/**
 * @returns true when ports are published to another machine or container (DNAT), which input rules never see. A
 * REDIRECT stays on this host, and our input rules judge it by the port that was dialled.
 */
export function publishesPorts({ machine }: Seen): boolean {
  const { iptables = [], nft = "" } = machine.firewall ?? {};
  const byIptables = iptables.some(({ text }) =>
    readIptables(text).rules.some(({ table, words }) => table === "nat" && words.includes("DNAT")),
  );
  // the statement: rules of our own look at `ct status dnat`
  return byIptables || readNft(nft).rules.some((rule) => hasStatement(rule, "dnat"));
}
