// @ts-check
// Runs in a namespace of the lab: sends empty datagrams, to one port or to a list of them in turn, until it has sent
// them all or is told to end (SIGTERM). Argument: {address, from, sourcePort, rate, count}; the ports on stdin, as
// JSON. Says when it begins; at its end how many it sent, in how many
// milliseconds, and how many of the processor's: with them the kernel's, who delivers within the system call.
import { createSocket } from "node:dgram";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";

/** So many leave before anything else has its turn. */
const BATCH = 64;
/** A wait that leaves the processor to others, in ms: timers are in whole milliseconds. */
const NAP = 0.3;

const { address, from, sourcePort, rate, count } = JSON.parse(process.argv[2] ?? "{}");
/** @type {number[]} */
const ports = JSON.parse(await text(process.stdin));
const cell = new Int32Array(new SharedArrayBuffer(4));
const socket = createSocket({
  type: address.includes(":") ? "udp6" : "udp4",
  // the address is one already; the default asks a thread for every packet
  lookup: (host, _options, done) => done(null, host, host.includes(":") ? 6 : 4),
});
socket.on("error", () => {}); // an ICMP answer is for those who listen
await new Promise((bound) => socket.bind(sourcePort, from, () => bound(undefined)));
const [port] = ports;
const single = ports.length === 1;
if (single && port !== undefined)
  await new Promise((connected) => socket.connect(port, address, () => connected(undefined)));

const EMPTY = Buffer.alloc(0);
const send = single
  ? () => socket.send(EMPTY, () => {})
  : (/** @type {number} */ n) => socket.send(EMPTY, ports[n % ports.length], address, () => {});

const most = count ?? Number.POSITIVE_INFINITY;
let over = false;
process.once("SIGTERM", () => {
  over = true;
});
process.stdout.write("sending\n");
const start = performance.now();
const before = process.cpuUsage();
let sent = 0;
while (!over && sent < most) {
  const due = rate ? ((performance.now() - start) * rate) / 1000 : Number.POSITIVE_INFINITY;
  for (const end = Math.min(most, due, sent + BATCH); sent < end; sent++) send(sent);
  await turn();
  if (sent > due) Atomics.wait(cell, 0, 0, NAP);
}
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ sent, ms, cpu_ms: (user + system) / 1000 }));
socket.close();
