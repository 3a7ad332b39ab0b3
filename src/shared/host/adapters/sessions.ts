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

/**
 * Ends TCP sessions on this side with `ss -K` (ss(8), SOCK_DESTROY): after our RST only the other side knows.
 * @throws Error with what ss said
 */
export async function endSessions(cuts: readonly Cut[]): Promise<void> {
  for (const { address, ports } of cuts) {
    if (ports.length === 0) continue;
    const locals = ports.map(({ from, to }) => `( sport ge :${from} and sport le :${to} )`).join(" or ");
    // one filter expression, parsed by ss itself, made of a parsed address and numbers
    const result = await run(
      ["ss", "-K", "-H", "-t", "state", "connected", `dst ${address} and ( ${locals} )`],
      { timeLimit: seconds(5) },
    );
    if (result.code !== 0) throw new Error(`ss -K: ${result.failed ?? result.stderr.trim()}`);
  }
}
