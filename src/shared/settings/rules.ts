import { formatDuration, minutes } from "../duration.ts";
import { formatPorts, isServiceName, OWN_NAMES, type PortRange, type Service } from "../firewall/policy.ts";
import { SOCKET_PATH_BYTES } from "./paths.ts";
import type { SettingsProblem } from "./problem.ts";
import type { Paths, Settings } from "./settings.ts";

/** A user's ports lie 100 apart from each other (DESIGN: knocks), and decoys need room beside them. */
const LEAST_KNOCK_PORTS = 500;

/** The most that may be set; for so long the gate remembers that a caller's PIN was right. */
export const LONGEST_CALL = minutes(15);

function serviceName({ name }: Service): SettingsProblem[] {
  if (isServiceName(name)) return [];
  const message = OWN_NAMES.includes(name)
    ? "this name is one of knockline's own sets: choose another"
    : "a service's name is 1 to 14 of a-z, 0-9 and _, begins and ends with a letter";
  return [{ path: `services.${name}`, message }];
}

const overlap = (a: PortRange, b: PortRange): boolean =>
  a.proto === b.proto && a.from <= b.to && b.from <= a.to;

interface Claim {
  readonly owner: string;
  readonly ports: PortRange;
}

/** Two claims on one port: nft would refuse the set, or a grant for one service would open the other. */
function clashes(claims: readonly Claim[]): SettingsProblem[] {
  return claims.flatMap(({ owner, ports }, i) =>
    claims
      .slice(0, i)
      .filter((earlier) => overlap(earlier.ports, ports))
      .map((earlier) => ({
        path: owner,
        message: `${formatPorts(ports)} overlaps ${formatPorts(earlier.ports)} of ${earlier.owner}`,
      })),
  );
}

function portClashes({ services, public: open }: Settings["policy"]): SettingsProblem[] {
  const claims = services.flatMap(({ name, ports }) =>
    ports.map((range) => ({ owner: `services.${name}.ports`, ports: range })),
  );
  return [...clashes(claims), ...clashes(open.map((ports) => ({ owner: "firewall.public", ports })))];
}

function socketPath({ adminSocket, phoneSocket }: Paths): SettingsProblem[] {
  const bytes = Math.max(...[adminSocket, phoneSocket].map((path) => new TextEncoder().encode(path).length));
  if (bytes <= SOCKET_PATH_BYTES) return [];
  const message = `the sockets' path would be ${bytes} bytes long, and a unix socket takes ${SOCKET_PATH_BYTES}: name a shorter folder`;
  return [{ path: "paths.run", message }];
}

/** @returns what is wrong between settings that are each right by themselves. */
export function brokenRules({ access, knock, paths, phone, policy }: Settings): SettingsProblem[] {
  const problems = [...policy.services.flatMap(serviceName), ...portClashes(policy), ...socketPath(paths)];
  if (access.ttl > access.maxTtl) {
    problems.push({ path: "access.ttl", message: "must not be longer than access.max_ttl" });
  }
  if (phone.longestCall > LONGEST_CALL) {
    problems.push({
      path: "phone.longest_call",
      message: `must not be longer than ${formatDuration(LONGEST_CALL)}`,
    });
  }
  if (knock.ports.to - knock.ports.from + 1 < LEAST_KNOCK_PORTS) {
    problems.push({ path: "knock.ports", message: `must hold at least ${LEAST_KNOCK_PORTS} ports` });
  }
  return problems;
}
