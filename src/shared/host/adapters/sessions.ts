import type { Cut } from "../../access/transaction.ts";
import type { Session } from "../../access/trial.ts";
import { seconds } from "../../duration.ts";
import { readSockets } from "./proc-net.ts";
import { run } from "./run.ts";

/** @returns the established TCP sessions of this network namespace */
export async function establishedSessions(): Promise<Session[]> {
  return (await readSockets())
    .filter(({ proto, state }) => proto === "tcp" && state === "established")
    .map(({ remote, local }) => ({ remote: remote.address, remotePort: remote.port, localPort: local.port }));
}

/** Addresses that one `ss` takes: it looks at every session for each of them, and a process costs 15 ms. */
const AT_ONCE = 30;

/**
 * Ends TCP sessions on this side with `ss -K` (ss(8), SOCK_DESTROY): after our RST only the other side knows.
 * @throws Error with what ss said
 */
export async function endSessions(cuts: readonly Cut[]): Promise<void> {
  const filters = cuts.filter(({ ports }) => ports.length > 0).map(filterOf);
  for (let at = 0; at < filters.length; at += AT_ONCE) {
    const filter = filters.slice(at, at + AT_ONCE).join(" or ");
    const result = await run(["ss", "-K", "-H", "-t", "state", "connected", filter], {
      timeLimit: seconds(5),
    });
    if (result.code !== 0) throw new Error(`ss -K: ${result.failed ?? result.stderr.trim()}`);
  }
}

/** A filter expression, parsed by ss itself, made of a parsed address and numbers. */
function filterOf({ address, ports }: Cut): string {
  const locals = ports.map(({ from, to }) => `( sport ge :${from} and sport le :${to} )`).join(" or ");
  return `( dst ${address} and ( ${locals} ) )`;
}
