// Sends one empty datagram to each port of a list, in its order and as fast as Node goes: a scanner in a hurry.
// Argument: {address, from, rate}; the ports on stdin, as JSON. Says how long it took.
import { createSocket } from "node:dgram";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";

const { address, from, rate } = JSON.parse(process.argv[2]);
const ports = JSON.parse(await text(process.stdin));
const socket = createSocket({
  type: address.includes(":") ? "udp6" : "udp4",
  // the address is one already; the default asks a thread for every packet
  lookup: (host, _options, done) => done(null, host, host.includes(":") ? 6 : 4),
});
socket.on("error", () => {}); // an ICMP answer is for those who listen
await new Promise((bound) => socket.bind(0, from, bound));

const start = performance.now();
for (const [index, port] of ports.entries()) {
  const early = start + (index * 1000) / rate - performance.now();
  if (early > 0 || index % 32 === 0) {
    do await turn();
    while (performance.now() < start + (index * 1000) / rate);
  }
  socket.send("", port, address, () => {});
}
await new Promise((sent) => socket.send("", ports.at(-1), address, sent));
process.stdout.write(JSON.stringify({ sent: ports.length, ms: performance.now() - start }));
socket.close();
