import { kindOf } from "../../../shared/address.ts";
import { isServiceName } from "../../../shared/firewall/policy.ts";
import {
  closedByHost,
  closedByUs,
  covers,
  type Family,
  hostSurvey,
  isPublic,
  type OpenRule,
  openRules,
} from "../closed.ts";
import type { Check, Listener, Seen } from "../seen.ts";
import { applied, type Finding, findingsOr } from "../verdict.ts";

/** Our own knock ports wait for strangers, and never answer. */
const isKnockPort = ({ proto, process }: Listener): boolean =>
  proto === "udp" && /knockd$/.test(process ?? "");

/** Ports on which a host waits for answers to its own DHCP requests. */
const isDhcpClient = ({ proto, port }: Listener): boolean => proto === "udp" && (port === 68 || port === 546);

/** Sockets on addresses that others can send to. */
function isOutward({ address }: Listener): boolean {
  return !["loopback", "link-local"].includes(kindOf(address));
}

/** A socket on `::` takes IPv4 as well. */
const familiesOf = ({ address }: Listener): Family[] =>
  address === "::" ? [4, 6] : address.includes(":") ? [6] : [4];

/** The host's own firewall, read once for all sockets. */
interface HostRules {
  readonly closed: ReadonlySet<Family>;
  readonly open: readonly OpenRule[];
}

/** Through which families strangers reach it. */
function reachedBy(seen: Seen, { closed, open }: HostRules, socket: Listener): Family[] {
  if (closedByUs(seen, socket)) return [];
  const isAccepted = (family: Family): boolean =>
    open.some((rule) => rule.family === family && (rule.ports === undefined || covers(rule.ports, socket)));
  return familiesOf(socket).filter((family) => !closed.has(family) || isAccepted(family));
}

/** A name for a service that is not there yet: the program's, where that can be one. */
function serviceFor({ settings }: Seen, { process, proto }: Listener): string {
  const name = (process ?? "")
    .toLowerCase()
    .replace(/[^a-z]/g, "")
    .slice(0, 14);
  const isTaken = settings.policy.services.some((service) => service.name === name);
  return isServiceName(name) && !isTaken ? name : `closed_${proto}`;
}

/** What strangers reach, and what is to be done about it in one place of the settings. bounded: by the sockets of the host */
interface Reachable {
  /** The service, or the name for a new one. */
  readonly table: string;
  readonly isThere: boolean;
  readonly ports: string[];
  readonly programs: Set<string>;
  readonly families: Set<Family>;
}

function findingFor(seen: Seen, { table, isThere, ports, programs, families }: Reachable): Finding {
  const over = [...families].sort().map((family) => `IPv${family}`);
  const { config } = seen.settings.paths;
  const apply = applied(seen.self);
  const listed = ports.map((name) => `"${name}"`).join(", ");
  return {
    id: `reachable-${ports.join("-").replaceAll("/", "-")}`,
    severity: isThere ? "high" : "medium",
    what: `strangers reach ${[...programs].join(" and ")} on ${ports.join(" and ")} over ${over.join(" and ")}`,
    why: isThere
      ? `it is service ${table}, which nothing closes now`
      : "it is in no service of ours, and nothing else closes it",
    fix: isThere
      ? `set guard = "services" under [firewall] in ${config}, then: ${apply}`
      : `set ports = [${listed}] under [services.${table}] in ${config} (where everybody may have it: into public under [firewall]), then: ${apply}`,
  };
}

/** Sockets that strangers reach: together where one new table would close them, else each port. */
function reachable(seen: Seen): Reachable[] {
  const host = { closed: closedByHost(hostSurvey(seen)?.places ?? []), open: openRules(seen) };
  const found = new Map<string, Reachable>(); // bounded: by the sockets of the host
  for (const socket of seen.machine.listeners) {
    if (!isOutward(socket) || isKnockPort(socket) || isDhcpClient(socket) || isPublic(seen, socket)) continue;
    const families = reachedBy(seen, host, socket);
    if (families.length === 0) continue;
    const port = `${socket.proto}/${socket.port}`;
    const service = seen.settings.policy.services.find(({ ports }) =>
      ports.some((range) => covers(range, socket)),
    );
    const table = service?.name ?? serviceFor(seen, socket);
    const key = service === undefined ? table : port;
    const one = found.get(key) ?? newlyFound(table, service !== undefined);
    if (!one.ports.includes(port)) one.ports.push(port);
    one.programs.add(socket.process ?? "a program");
    for (const family of families) one.families.add(family);
    found.set(key, one);
  }
  return [...found.values()];
}

const newlyFound = (table: string, isThere: boolean): Reachable => ({
  table,
  isThere,
  ports: [],
  programs: new Set(),
  families: new Set(),
});

/** Which listening sockets strangers can reach. */
const listening: Check = (seen) =>
  findingsOr(
    "strangers reach nothing but what is public",
    reachable(seen).map((one) => findingFor(seen, one)),
  );

/** Who can be reached. */
export const reachChecks: readonly Check[] = [listening];
