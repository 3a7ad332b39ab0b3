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
import { type Finding, findingsOr } from "../verdict.ts";

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

function findingFor(seen: Seen, host: HostRules, name: string, sockets: readonly Listener[]): Finding[] {
  const [first] = sockets;
  if (first === undefined) return [];
  const families = [...new Set(sockets.flatMap((socket) => reachedBy(seen, host, socket)))].sort();
  if (families.length === 0) return [];
  const service = seen.settings.policy.services.find(({ ports }) =>
    ports.some((range) => covers(range, first)),
  );
  const whose = first.process ?? "a program";
  const { config } = seen.settings.paths;
  return [
    {
      id: `reachable-${name.replace("/", "-")}`,
      severity: service === undefined ? "medium" : "high",
      what: `strangers reach ${whose} on ${name} over ${families.map((family) => `IPv${family}`).join(" and ")}`,
      why:
        service === undefined
          ? "it is in no service of ours, and nothing else closes it"
          : `it is service ${service.name}, which nothing closes now`,
      fix:
        service === undefined
          ? `set ports = ["${name}"] under [services.${serviceFor(seen, first)}] in ${config} (where everybody may have it: into public under [firewall]), then: ${seen.self} firewall apply`
          : `set guard = "services" under [firewall] in ${config}, then: ${seen.self} firewall apply`,
    },
  ];
}

/** Which listening sockets strangers can reach. */
const listening: Check = (seen) => {
  const host = { closed: closedByHost(hostSurvey(seen)?.places ?? []), open: openRules(seen) };
  const byPort = new Map<string, Listener[]>(); // bounded: by the sockets of the host
  for (const socket of seen.machine.listeners) {
    if (!isOutward(socket) || isKnockPort(socket) || isDhcpClient(socket) || isPublic(seen, socket)) continue;
    const name = `${socket.proto}/${socket.port}`;
    byPort.set(name, [...(byPort.get(name) ?? []), socket]);
  }
  const findings = [...byPort].flatMap(([name, sockets]) => findingFor(seen, host, name, sockets));
  return findingsOr("strangers reach nothing but what is public", findings);
};

/** Who can be reached. */
export const reachChecks: readonly Check[] = [listening];
