import type { Address } from "../address.ts";
import type { Duration } from "../duration.ts";
import { type Network, networkAround, prefixOf } from "../network.ts";
import type { AllowEntry } from "./allowlist.ts";
import { shut, tcpPorts } from "./closing.ts";
import type { Adopted, GateState } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Ends the adopted sessions that only an entry of the allowlist let in, as when their address alone were removed: they
 * need nothing else in the kernel, so that nothing else would end those of a network's addresses.
 * @param closed services that the entry was for
 * @param memory for how long conntrack remembers an idle TCP session
 */
export function shutAdopted(
  state: GateState,
  tx: Transaction,
  entry: AllowEntry,
  closed: ReadonlySet<string>,
  memory: Duration,
): void {
  const ports = tcpPorts(state, [...closed]);
  const isFor = (port: number): boolean =>
    entry.services.length === 0 || ports.some(({ from, to }) => from <= port && port <= to);
  const inside = state.firewall.adopted.filter((session) => {
    const { source, port } = endsOf(session);
    return isFor(port) && entry.addresses.some((network) => holds(network, source));
  });
  for (const source of new Set(inside.map((session) => endsOf(session).source)))
    if (!entry.addresses.includes(source)) shut(state, tx, source, closed, memory);
  const over = new Set(inside.filter((session) => state.ledger.revocation(endsOf(session).source)));
  if (over.size === 0) return;
  const adopted = state.firewall.adopted.filter((session) => !over.has(session));
  tx.setFirewall({ ...state.firewall, adopted });
}

function endsOf({ key }: Adopted): { source: Address; port: number } {
  const [source, , port] = key.split(" . ");
  return { source: source as Address, port: Number(port) };
}

function holds(network: Network, address: Address): boolean {
  const { family, length } = prefixOf(network);
  return prefixOf(address).family === family && networkAround(address, length) === network;
}
