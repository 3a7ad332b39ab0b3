import type { Policy, PortRange } from "../firewall/policy.ts";
import type { DoorView, ListenerView, StayView } from "../gate/views.ts";
import { isLive } from "./grant.ts";
import type { GateState } from "./state.ts";
import { isGuarded } from "./trial.ts";

const covers = (range: PortRange, proto: string, port: number): boolean =>
  range.proto === proto && range.from <= port && port <= range.to;

/** @returns the service whose grants open a port; null: no grant does */
function serviceOf({ services }: Policy, { proto, port }: ListenerView): string | null {
  return services.find(({ ports }) => ports.some((range) => covers(range, proto, port)))?.name ?? null;
}

/**
 * Finds the listening sockets that a change of policy closes to strangers, or opens to them.
 * @param secret ports of knocks and decoys: knockd listens there, and a plan may be read over somebody's shoulder
 */
export function changedDoors(
  before: Policy | null,
  after: Policy,
  listening: readonly ListenerView[],
  secret: ReadonlySet<number>,
): DoorView[] {
  return listening
    .filter(({ port }) => !secret.has(port))
    .flatMap((listener): DoorView[] => {
      const was = isGuarded(before, listener.proto, listener.port);
      const will = isGuarded(after, listener.proto, listener.port);
      if (was === will) return [];
      return [{ ...listener, change: will ? "closes" : "opens", service: serviceOf(after, listener) }];
    });
}

/** @returns every port that users and decoys knock at */
export function secretPorts({ users, decoys }: GateState): Set<number> {
  const steps = [...users.values()].flatMap((user) => user.steps.map(({ port }) => port));
  return new Set([...decoys, ...steps]);
}

/** @returns who stays in when the settings' policy closes doors. @param allowlist how many addresses and networks it has */
export function whoStays(
  { ledger, settings }: GateState,
  uptime: number,
  allowlist: number,
  sshPeers: readonly string[],
): StayView {
  return {
    allowlist,
    trusted_interfaces: [...settings.policy.trustedInterfaces],
    grants: [...ledger.all()]
      .filter((grant) => isLive(grant, uptime))
      .map(({ address, services }) => ({ address, services: [...services] })),
    ssh_peers: [...sshPeers],
  };
}
