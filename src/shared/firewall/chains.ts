import type { TablePlan } from "./firewall.ts";
import { byNetwork } from "./networks.ts";
import { type Slot, SOURCE_64, slotChains } from "./slot.ts";
import { type Chain, KNOCK_GROUP, policiesOf } from "./table.ts";

/** The counters of what the pre-filter dropped, and of the SYNs that knockd was told of. */
export const COUNTERS = ["k_scanner", "k_rate", "k_global", "k_reported"] as const;
export type Counter = (typeof COUNTERS)[number];

const hook = (name: string, priority: string): string =>
  `type filter hook ${name} priority ${priority} ; policy accept ;`;

/** @returns every chain of the table; chains that others go to come first. */
export function chainsOf(plan: TablePlan): Chain[] {
  const forward = policiesOf(plan).some(({ hooks }) => hooks.includes("forward"));
  return [
    cutChain(plan),
    ...slotChains("current", plan.current, plan.prefixes, forward),
    ...(plan.candidate === undefined ? [] : slotChains("candidate", plan.candidate, plan.prefixes, forward)),
    KNOCK_OK,
    knockChain(plan),
    ...(watchesTcp(plan) ? [SYN_OK, synChain(plan)] : []),
    preChain(plan),
    STRAY6,
    STRAY,
    straysChain(plan),
    slotSwitch(plan, "marks", "mark", hook("prerouting", "-140")),
    slotSwitch(plan, "guard", "close", hook("input", "-10")),
    ...(forward ? [slotSwitch(plan, "forwarded", "forward", hook("forward", "-10"))] : []),
    ...hushChains(plan),
  ];
}

/** The candidate is entered only while set `trial` holds the packet's family: the kernel rolls it back by itself. */
function slotSwitch({ candidate }: TablePlan, name: string, chain: string, at: string): Chain {
  const to = (slot: Slot): string => `goto ${slot}_${chain}`;
  return {
    name,
    about:
      candidate === undefined ? "to the confirmed policy" : "to the policy on trial while the trial lasts",
    hook: at,
    rules: [...(candidate === undefined ? [] : [`meta nfproto @trial ${to("candidate")}`]), to("current")],
  };
}

function cutChain({ filling }: TablePlan): Chain {
  const tell = "meta l4proto tcp ct state established reject with tcp reset";
  return {
    name: "cut",
    about: "a session under way is told; a stranger hears nothing",
    rules: filling ? ["drop"] : [tell, "drop"],
  };
}

/** A kernel without nfnetlink_log refuses a rule that logs: who has no TCP steps shall not need it. */
const watchesTcp = ({ knockTcp }: TablePlan): boolean => knockTcp.length > 0;

const FIRST_SYN = "tcp flags & (syn | ack | rst | fin) == syn";

/** One datagram to a whole network would else reach knockd past the limits. The port first: it costs less to ask. */
const NOT_FOR_ONE = "udp dport @knock_udp fib daddr type { broadcast, anycast, multicast } drop";

const preChain = (plan: TablePlan): Chain => ({
  name: "pre",
  about: "knocks, before anything costs memory",
  hook: hook("prerouting", "-300"),
  rules: [
    'iifname "lo" return',
    NOT_FOR_ONE,
    "fib daddr type != local return",
    "udp dport @knock_udp goto knock",
    ...(watchesTcp(plan) ? [`${FIRST_SYN} tcp dport @knock_tcp goto syn`] : []),
  ],
});

/** Allowlist and grant holders. */
const exempt = ({ prefixes }: TablePlan, verdict: string): string[] => [
  ...byNetwork(prefixes, "live", verdict),
  `ip saddr @live4 ${verdict}`,
  `${SOURCE_64} @live6 ${verdict}`,
];

/**
 * Over the limit first, then one limit for all that the event loop can serve: a full rate set falls through to
 * it. The other way round (accept within the limit, else drop) forged sources could lock everybody out.
 * @param pass where knocks go on
 * @param over the verdict on what is not let through
 * @param most packets a second, of all sources together
 */
const sieve = (plan: TablePlan, pass: string, over: "drop" | "accept", most: number): string[] => [
  `iifname @trusted goto ${pass}`,
  ...exempt(plan, `goto ${pass}`),
  `ip saddr @scanner4 counter name k_scanner ${over}`,
  `${SOURCE_64} @scanner6 counter name k_scanner ${over}`,
  `update @rate4 { ip saddr limit rate over 10/second burst 20 packets } counter name k_rate ${over}`,
  `update @rate6 { ${SOURCE_64} limit rate over 10/second burst 20 packets } counter name k_rate ${over}`,
  `limit rate over ${most}/second burst 5000 packets counter name k_global ${over}`,
  `goto ${pass}`,
];

const knockChain = (plan: TablePlan): Chain => ({
  name: "knock",
  about: "allowlist and grant holders pass; scanners and floods are dropped and counted",
  rules: ["meta length > 2048 drop", ...sieve(plan, "knock_ok", "drop", 30_000)],
});

const KNOCK_OK: Chain = {
  name: "knock_ok",
  about: "a flood of forged knocks must not fill the host's conntrack table",
  rules: ["notrack", "accept"],
};

/** TCP knocks go on whatever is known of their source: a dropped SYN among refused ones would show the port. */
const synChain = (plan: TablePlan): Chain => ({
  name: "syn",
  about: "the same for TCP: what knockd is not told of goes on like the rest",
  rules: sieve(plan, "syn_ok", "accept", 20_000),
});

const SYN_OK: Chain = {
  name: "syn_ok",
  about: "knockd is told of it, and it goes on",
  rules: [`counter name k_reported log group ${KNOCK_GROUP} snaplen 128 queue-threshold 1`, "accept"],
};

/** After conntrack, so that answers to the host's own DNS, NTP and trunks never count. */
const straysChain = (plan: TablePlan): Chain => ({
  name: "strays",
  about: "who touches many ports is a scanner for a minute",
  hook: hook("prerouting", "-139"),
  rules: [
    'iifname "lo" return',
    "iifname @trusted return",
    "fib daddr type != local return",
    "ct state != new return",
    ...exempt(plan, "return"),
    "meta l4proto udp goto stray",
    "tcp dport @knock_tcp return",
    `${FIRST_SYN} goto stray`,
  ],
});

/** A look-up of a set whose elements carry a limit evaluates the limit: hence `cnt` beside `scanner`. */
const STRAY: Chain = {
  name: "stray",
  about: "more than 20 different ports in 10 s; never a verdict on the packet itself",
  rules: [
    "meta nfproto ipv6 goto stray6",
    "ip saddr . th dport @touch4 return",
    "add @touch4 { ip saddr . th dport }",
    "update @cnt4 { ip saddr limit rate over 120/minute burst 20 packets } update @scanner4 { ip saddr }",
  ],
};

const STRAY6: Chain = {
  name: "stray6",
  about: "the same by /64",
  rules: [
    `${SOURCE_64} . th dport @touch6 return`,
    `add @touch6 { ${SOURCE_64} . th dport }`,
    `update @cnt6 { ${SOURCE_64} limit rate over 120/minute burst 20 packets } update @scanner6 { ${SOURCE_64} }`,
  ],
};

/**
 * A closed UDP port answers port-unreachable, one that the host's own firewall rejects answers another code of
 * destination-unreachable, a bound one nothing, or parameter-problem for an extension header that only what is let in
 * is asked for: silence for all hides which are bound. Path MTU discovery goes on.
 */
function hushChains({ knockUdp }: TablePlan): Chain[] {
  if (knockUdp.length === 0) return [hushChain([])];
  return [
    {
      name: "hush4",
      about:
        "the protocol of the packet that is answered: 9 bytes into its header, behind 8 of ICMP (RFC 792)",
      rules: ["icmp code port-unreachable drop", "icmp code != frag-needed @th,136,8 17 drop"],
    },
    {
      name: "hush6",
      about: "the same, 6 bytes in (RFC 4443); UDP may stand behind extension headers (0, 43, 44, 51, 60)",
      rules: ["icmpv6 code port-unreachable drop", "@th,112,8 { 0, 17, 43, 44, 51, 60 } drop"],
    },
    hushChain([
      'oifname "lo" accept',
      "icmp type destination-unreachable goto hush4",
      "icmpv6 type { destination-unreachable, parameter-problem } goto hush6",
    ]),
  ];
}

const hushChain = (rules: readonly string[]): Chain => ({
  name: "hush",
  about: "bound knock ports look like their closed neighbours",
  hook: hook("output", "-10"),
  rules,
});
