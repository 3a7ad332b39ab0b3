import type { TablePlan } from "./firewall.ts";
import { networkScopes, networkSet } from "./networks.ts";
import { isInterfaceName } from "./policy.ts";
import { NETWORK_SET_SIZE, policiesOf, SET_SIZE } from "./table.ts";

/** A named set of the table. */
export interface SetSpec {
  readonly name: string;
  /** What its keys are, e.g. `type ipv4_addr`. */
  readonly key: string;
  /** Flags, size and default time-out, e.g. `flags timeout ; size 65536 ;`. */
  readonly options: string;
  /** All its elements, where the plan decides them; absent where they come and go without an install. */
  readonly fill?: readonly string[];
}

/** Sets that belong together, with a line for people. */
export interface SetGroup {
  readonly about: string;
  readonly sets: readonly SetSpec[];
}

const V4 = "type ipv4_addr";
const V6 = "type ipv6_addr";
const SESSION = ". inet_service . inet_service";

/** Elements end by themselves, in the kernel, with every process of ours dead. */
const timed = (name: string, key: string, size = SET_SIZE): SetSpec => ({
  name,
  key,
  options: `flags timeout ; size ${size} ;`,
});

/** Exact addresses of both families, and IPv6 /64 (a hash looked up with the host part masked: no rbtree). */
const addressSets = (name: string): SetSpec[] => [
  timed(`${name}4`, V4),
  timed(`${name}6`, V6),
  timed(`${name}6n`, V6),
];

/** Filled by packets: a stranger can fill them, so each entry is short-lived and a full set only falls through. */
const counted = (name: string, key: string, timeout: string): SetSpec => ({
  name,
  key,
  options: `flags dynamic,timeout ; size ${SET_SIZE - 1} ; timeout ${timeout} ;`,
});

/** Interface names are pasted into quotes. @throws TypeError for one that could end them */
export function quotedInterfaces(names: readonly string[]): string[] {
  return [...new Set(names)].sort().map((name) => {
    if (!isInterfaceName(name)) throw new TypeError(`not an interface name: ${JSON.stringify(name)}`);
    return `"${name}"`;
  });
}

const portSet = (name: string, ports: readonly number[]): SetSpec => ({
  name,
  key: "type inet_service",
  options: "",
  fill: [...new Set(ports)].sort((a, b) => a - b).map(String),
});

function policyGroup({ current, candidate, knockUdp, knockTcp }: TablePlan): SetGroup {
  const trial: SetSpec = { name: "trial", key: "typeof meta nfproto", options: "flags timeout ;" };
  return {
    about: "what the settings say: trusted interfaces, bound knock ports; families on trial",
    sets: [
      {
        name: "trusted",
        key: "type ifname",
        options: "flags interval ;",
        fill: quotedInterfaces(current.trustedInterfaces),
      },
      portSet("knock_udp", knockUdp),
      portSet("knock_tcp", knockTcp),
      // A time left from an earlier trial must not send packets into a candidate loaded later.
      candidate === undefined ? { ...trial, fill: [] } : trial,
    ],
  };
}

function serviceGroup(plan: TablePlan): SetGroup {
  const names = new Set(policiesOf(plan).flatMap(({ services }) => services.map(({ name }) => name)));
  return {
    about: "grants: one element for each address that a service is open for (...6n: a /64)",
    sets: [...names].flatMap(addressSets),
  };
}

/** Hashes looked up with the host part masked: exact with overlaps and with ends, which interval sets are not. */
function allowGroup(plan: TablePlan): SetGroup {
  const sets = networkScopes(plan).flatMap((scope) =>
    plan.prefixes.map((prefix) =>
      timed(networkSet(scope, prefix), prefix.family === 4 ? V4 : V6, NETWORK_SET_SIZE),
    ),
  );
  return { about: "allowlist: ...4_24 holds IPv4 networks of 24 bits; allow: for all services", sets };
}

const SESSION_GROUP: SetGroup = {
  about: "live: any grant; kept: TCP may go on after it; revoked: it may not; adopted: older than the policy",
  sets: [
    timed("live4", V4),
    timed("live6", V6),
    ...addressSets("kept"),
    ...addressSets("revoked"),
    timed("adopted4", `${V4} ${SESSION}`),
    timed("adopted6", `${V6} ${SESSION}`),
  ],
};

const ABUSE_GROUP: SetGroup = {
  about: "abuse: filled by packets, IPv6 by /64",
  sets: [
    counted("rate4", V4, "5s"),
    counted("rate6", V6, "5s"),
    counted("touch4", `${V4} . inet_service`, "10s"),
    counted("touch6", `${V6} . inet_service`, "10s"),
    counted("cnt4", V4, "1m"),
    counted("cnt6", V6, "1m"),
    counted("scanner4", V4, "1m"),
    counted("scanner6", V6, "1m"),
  ],
};

/** @returns every set of the table that this plan makes, in groups for people. */
export function setGroups(plan: TablePlan): SetGroup[] {
  return [policyGroup(plan), serviceGroup(plan), allowGroup(plan), SESSION_GROUP, ABUSE_GROUP];
}
