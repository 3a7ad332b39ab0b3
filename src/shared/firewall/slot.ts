import type { Prefix } from "../network.ts";
import { byNetwork } from "./networks.ts";
import type { Policy, PortRange, Service } from "./policy.ts";
import { dport, dports, portSet } from "./ports.ts";
import { quotedInterfaces } from "./sets.ts";
import type { Chain } from "./table.ts";

/** Where a policy's chains live: the confirmed one, or the one on trial. */
export type Slot = "current" | "candidate";

/** The host part of an IPv6 source masked away, as keys of a /64 set are. */
export const SOURCE_64 = "ip6 saddr & ffff:ffff:ffff:ffff::";

const hex = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, "0")}`;

/** The text forms of a policy's one mark bit. */
function markText(bit: number): { clear: string; set: string; isSet: string } {
  return { clear: `& ${hex(~bit)}`, set: `& ${hex(~bit)} | ${hex(bit)}`, isSet: `& ${hex(bit)} != 0` };
}

/** Rules that send a source found in `<name>4`, `6` or `6n` somewhere. */
function bySource(name: string, verdict: string, condition = ""): string[] {
  return [
    `${condition}ip saddr @${name}4 ${verdict}`,
    `${condition}ip6 saddr @${name}6 ${verdict}`,
    `${condition}${SOURCE_64} @${name}6n ${verdict}`,
  ];
}

/** One `goto` for each protocol of each service, by the packet's own port unless `matches` asks for another. */
const toServices = ({ services }: Policy, chain: string, matches = dports): string[] =>
  services.flatMap(({ name, ports }) => matches(ports).map((match) => `${match} goto ${chain}_${name}`));

function trustedRule({ trustedInterfaces }: Policy): string[] {
  if (trustedInterfaces.length === 0) return [];
  return [`iifname { ${quotedInterfaces(trustedInterfaces).join(", ")} } accept`];
}

/**
 * A policy's own chains, the same text for both slots but for the names.
 * @param prefixes prefix lengths of the allowlist's networks.
 * @param forward whether the table has the forward hook (of either policy), which then needs a chain to go to.
 */
export function slotChains(
  slot: Slot,
  policy: Policy,
  prefixes: readonly Prefix[],
  forward: boolean,
): Chain[] {
  const closes = policy.guard === "nothing" ? [] : policy.services;
  return [
    markChain(slot, policy),
    ...policy.services.map((service) => markService(slot, service, prefixes)),
    admitChain(slot, policy),
    closeChain(slot, policy, prefixes),
    ...closes.map((service) => closeService(slot, policy, service)),
    ...(closes.length === 0 ? [] : [dialledChain(slot, policy)]),
    ...(policy.guard === "nothing" ? [] : [tailChain(slot, policy, prefixes)]),
    ...(forward ? [forwardChain(slot, policy, prefixes)] : []),
  ];
}

/** Before DNAT, so the port is still the one the client dialled. */
function markChain(slot: Slot, policy: Policy): Chain {
  const { clear, set } = markText(policy.mark);
  return {
    name: `${slot}_mark`,
    about:
      "our bit: cleared first (a host's CONNMARK restore must not revive a grant), set for knocks and grants",
    rules: [
      `meta mark set meta mark ${clear}`,
      'iifname "lo" return',
      "fib daddr type != local return",
      `udp dport @knock_udp ct state untracked meta mark set meta mark ${set} return`,
      ...toServices(policy, `${slot}_mark`),
    ],
  };
}

function markService(slot: Slot, { name }: Service, prefixes: readonly Prefix[]): Chain {
  const admit = `goto ${slot}_admit`;
  return {
    name: `${slot}_mark_${name}`,
    about: `who may reach ${name}`,
    rules: [
      ...byNetwork(prefixes, "allow", admit),
      ...bySource(name, admit),
      ...byNetwork(prefixes, name, admit),
    ],
  };
}

function admitChain(slot: Slot, { mark }: Policy): Chain {
  const { set } = markText(mark);
  return {
    name: `${slot}_admit`,
    about: "the packet may pass, and its connection was let in by us",
    rules: [`meta mark set meta mark ${set}`, `ct mark set ct mark ${set}`],
  };
}

function closeChain(slot: Slot, policy: Policy, prefixes: readonly Prefix[]): Chain {
  const services = [...toDialled(slot, policy), ...toServices(policy, `${slot}_close`)];
  const rules: Record<Policy["guard"], () => string[]> = {
    nothing: () => ["accept"],
    services: () => ['iifname "lo" accept', ...trustedRule(policy), ...services],
    everything: () => [
      'iifname "lo" accept',
      ...trustedRule(policy),
      ...knockPorts(policy),
      ...services,
      ...byNetwork(prefixes, "allow", "accept"),
      ...[...dports(policy.public), ...dnatted(policy.public)].map((match) => `${match} accept`),
      ...ESSENTIAL,
      `goto ${slot}_tail`,
    ],
  };
  return { name: `${slot}_close`, about: `guard = "${policy.guard}"`, rules: rules[policy.guard]() };
}

/** A dropped knock must look like a knock on any other closed port. */
const knockPorts = ({ mark }: Policy): string[] => [
  `${dport("udp", "@knock_udp")} meta mark ${markText(mark).isSet} accept`,
  `${dport("udp", "@knock_udp")} drop`,
];

/** Errors about connections that are let in: path MTU discovery of both sides lives by them. */
const RELATED = "ct state related meta l4proto { icmp, ipv6-icmp } accept";

/** Without these the host loses its own connections, path MTU discovery, IPv6 neighbours or its DHCP lease (RFC 4890). */
const ESSENTIAL: readonly string[] = [
  "ct state established ct direction reply accept",
  RELATED,
  "meta l4proto icmp icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } limit rate 50/second accept",
  "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request } limit rate 50/second accept",
  "ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept",
  "ip6 saddr fe80::/10 icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, 143 } accept",
  "udp sport 67 udp dport 68 accept",
  "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
];

function closeService(slot: Slot, { mark }: Policy, { name, replies }: Service): Chain {
  return {
    name: `${slot}_close_${name}`,
    about: `${name}: granted${replies ? ", or an answer to the host's own connection" : ""}, or the tail decides`,
    rules: [
      `meta mark ${markText(mark).isSet} accept`,
      ...(replies ? ["ct direction reply ct state established accept"] : []),
      `goto ${slot}_tail`,
    ],
  };
}

/**
 * Not granted (any more): only TCP that is already under way may go on. Adopted sessions are not asked for a
 * conntrack state: where conntrack ran for the first time with this very table, their next packet is `new`.
 */
function tailChain(slot: Slot, { mark, onExpiry }: Policy, prefixes: readonly Prefix[]): Chain {
  const ours = `ct state established ct mark ${markText(mark).isSet} `;
  const kept = [...bySource("kept", "accept", ours), ...byNetwork(prefixes, "kept", "accept", ours)];
  return {
    name: `${slot}_tail`,
    about: `revoked, then ${onExpiry === "keep" ? "kept, then " : ""}adopted, then cut; UDP ends with its grant`,
    rules: [
      "meta l4proto != tcp drop",
      "tcp flags & (syn | ack) == syn drop",
      ...bySource("revoked", "goto cut"),
      ...(onExpiry === "keep" ? kept : []),
      "ip saddr . tcp sport . tcp dport @adopted4 accept",
      "ip6 saddr . tcp sport . tcp dport @adopted6 accept",
      "goto cut",
    ],
  };
}

/** The way in by a port that the host sends elsewhere (DNAT, REDIRECT); answers, and what a guest asks for itself, are none. */
const DNATTED = "ct status dnat ct direction original";

/** `meta l4proto` comes first: without it nft 1.0.6 does not parse the port. */
const dialled = (ports: readonly PortRange[]): string[] =>
  portSet(ports).map(([proto, set]) => `meta l4proto ${proto} ct original proto-dst ${set}`);

const dnatted = (ports: readonly PortRange[]): string[] =>
  dialled(ports).map((match) => `${DNATTED} ${match}`);

/** A chain of its own: most packets keep the port they came with, and pay for one rule. */
const toDialled = (slot: Slot, { services }: Policy): string[] =>
  services.length === 0 ? [] : [`${DNATTED} jump ${slot}_dialled`];

/** Marking saw the port that the client dialled; behind the host's DNAT or REDIRECT the packet has another. */
function dialledChain(slot: Slot, policy: Policy): Chain {
  return {
    name: `${slot}_dialled`,
    about: "services by the port the client dialled, wherever the host sends it",
    rules: toServices(policy, `${slot}_close`, dialled),
  };
}

/** Published (DNATed) ports of containers and guests, by the port the client dialled. */
function forwardChain(slot: Slot, policy: Policy, prefixes: readonly Prefix[]): Chain {
  const closes = policy.guard !== "nothing" && policy.hooks.includes("forward");
  const rest = [
    ...byNetwork(prefixes, "allow", "accept"),
    ...dnatted(policy.public).map((match) => `${match} accept`),
    RELATED,
    `${DNATTED} goto ${slot}_tail`,
  ];
  const everything = policy.guard === "everything";
  const about = everything ? "published ports, all but the public ones" : "published ports of the services";
  return {
    name: `${slot}_forward`,
    about: closes ? about : "nothing forwarded is closed",
    rules: closes ? [...trustedRule(policy), ...toDialled(slot, policy), ...(everything ? rest : [])] : [],
  };
}
