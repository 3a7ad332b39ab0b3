import { type HostFile, savedAs } from "./iptables-places.ts";
import { iptablesRule } from "./mark.ts";
import { type Edit, type Place, stateAmong } from "./place.ts";

const EMPTY = '<?xml version="1.0" encoding="utf-8"?>\n<direct>\n</direct>\n';

const ruleFor = (ipv: "ipv4" | "ipv6", mark: number): string =>
  `  <rule ipv="${ipv}" table="filter" chain="INPUT" priority="0">${iptablesRule(mark).join(" ")}</rule>\n`;

/**
 * Looks at the direct rules of a firewalld that works by iptables (`FirewallBackend=iptables`), see
 * firewalld.direct(5). Each family has one of its own there.
 */
export function firewalldPlace({ path, text }: HostFile, mark: number): Place[] {
  const rules = [ruleFor("ipv4", mark), ruleFor("ipv6", mark)];
  const counts = rules.map((rule) => (text ?? "").split(rule).length - 1);
  const states = counts.map((count) =>
    stateAmong(Array.from({ length: count }, () => ({ ours: true, established: false }))),
  );
  const rest = rules.reduce((before, rule) => before.replaceAll(rule, ""), text ?? EMPTY);
  const write = (text: string | undefined): Edit => ({ do: "write", path, text });
  const state = states.find((one) => one !== "right") ?? "right";
  const versions = {
    without: write(rest === EMPTY ? undefined : rest),
    with: write(rest.replace(/<direct>\n?/, (start) => `${start.trimEnd()}\n${rules.join("")}`)),
    there: counts.some((count) => count > 0),
  };
  return [savedAs({ where: path, rules: ["IPv4", "IPv6"], state }, versions)];
}
