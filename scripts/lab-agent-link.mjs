// @ts-check
// Our end of a lab agent: commands as functions, answers as promises.
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("lab-agent.mjs", import.meta.url));

/** @typedef {"open" | "refused" | "silent" | "unreachable"} Reached */
/** @typedef {{ address: string, port: number, from?: string, timeout?: number }} Where `from`: source address; timeout in ms */

/**
 * What an agent does; all times in milliseconds, `at` on the machine's monotonic clock.
 * @typedef {object} Agent
 * @property {(args: { port: number, proto?: "tcp" | "udp", family?: 4 | 6, greeting?: string, push?: number }) => Promise<void>} listen
 *   a service that greets (TCP) and echoes; `push`: sends a byte every so many ms to everybody connected
 * @property {(args: Where) => Promise<{ outcome: Reached, ms: number, greeting: string }>} connect
 * @property {(args: Where & { every?: number }) => Promise<{ at: number | null }>} connectUntilOpen
 *   a new SYN every `every` ms until one is accepted; `at` is when that one left
 * @property {(args: { address: string, steps: { proto: "udp" | "tcp", port: number }[], payload?: string, payloads?: string[], gap?: number, from?: string, localPort?: number, times?: number }) => Promise<{ at: number }>} knock
 *   UDP datagrams and TCP SYNs, `gap` ms apart (20), each step `times` (1); `at` is when the last one left
 * @property {(args: { address: string, ports: number[], payload?: string, payloads?: string[], gap?: number, from?: string }) => Promise<{ at: number }>} send
 *   the same for UDP ports only
 * @property {(args: { address: string, knockers: { from: string, ports: number[], payloads?: string[] }[], payload?: string, gap?: number }) => Promise<{ at: number }>} sendMany
 * @property {(args: Where & { payload?: string, localPort?: number }) => Promise<{ reply: string | null }>} ask
 * @property {(args: Where) => Promise<{ outcome: Reached, session: number | null }>} openSession
 * @property {(args: { session: number, say?: string }) => Promise<{ received: number, ended: string | null }>} sessionState
 * @property {(args: { session: number }) => Promise<void>} closeSession
 */

const COMMANDS = /** @type {const} */ ([
  "listen",
  "connect",
  "connectUntilOpen",
  "knock",
  "send",
  "sendMany",
  "ask",
  "openSession",
  "sessionState",
  "closeSession",
]);

/**
 * Starts an agent in a host's namespace.
 * @param {import("./lab-host.mjs").Host} host
 * @returns {Agent}
 */
export function agentOf(host) {
  const running = host.start(process.execPath, [PROGRAM]);
  /** @type {Map<number, { settle: (result: any) => void, refuse: (error: Error) => void }>} bounded: questions not yet answered */
  const waiting = new Map();
  let last = 0;

  createInterface({ input: running.child.stdout }).on("line", (line) => {
    const { id, result, error } = JSON.parse(line);
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.refuse(new Error(`agent on ${host.name}: ${error}`));
    else asked?.settle(result);
  });
  running.ended.then(({ stderr }) => {
    for (const { refuse } of waiting.values()) refuse(new Error(`agent on ${host.name} ended: ${stderr}`));
    waiting.clear();
  });

  /** @param {string} command @param {object} args */
  const ask = (command, args) =>
    new Promise((settle, refuse) => {
      waiting.set(++last, { settle, refuse });
      running.child.stdin.write(`${JSON.stringify({ id: last, command, args })}\n`);
    });
  const entries = COMMANDS.map((command) => [command, (/** @type {object} */ args) => ask(command, args)]);
  return /** @type {any} */ (Object.fromEntries(entries));
}
