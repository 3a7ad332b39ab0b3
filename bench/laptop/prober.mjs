// Runs in a laptop's namespace: tries a TCP port again and again until it opens. A process of its own, so that the
// program that knocks does not wait for the one that looks. One JSON line in, {from, address, port}; out come
// {"looking":true} once the first SYN has left, and {"at"} when a connection was accepted (null: not within 5 s).
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { setImmediate as turn } from "node:timers/promises";

/** Milliseconds between two SYNs. */
const EVERY = 0.3;
const PATIENCE = 5_000;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Milliseconds on the clock that all processes of the machine share (CLOCK_MONOTONIC). */
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

/** @param {object} message */
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** @param {{ from: string, address: string, port: number }} where */
async function look({ from, address, port }) {
  const end = monotonic() + PATIENCE;
  const sockets = new Set(); // bounded: PATIENCE / EVERY
  let at = null;
  while (at === null && monotonic() < end) {
    const socket = createConnection({ host: address, port, localAddress: from });
    sockets.add(socket);
    socket.on("error", () => sockets.delete(socket));
    socket.once("connect", () => {
      at ??= monotonic();
    });
    if (sockets.size === 1) say({ looking: true });
    await turn();
    // a wait below a millisecond that leaves the processor to others; timers are in whole milliseconds
    if (at === null) Atomics.wait(cell, 0, 0, EVERY);
    await turn();
  }
  for (const socket of sockets) socket.destroy();
  say({ at });
}

createInterface({ input: process.stdin })
  .on("line", (line) => void look(JSON.parse(line)))
  .on("close", () => process.exit(0));
