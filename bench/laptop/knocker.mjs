// @ts-check
// Runs in a laptop's namespace: sends knocks. One JSON line in, {from, address, datagrams, gap}; one out, {"at"}: when
// the last one was handed to the kernel. Its sockets are connected, so that no address is looked up in between.
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";

/** @typedef {import("../stage.mjs").Datagram} Datagram */

/** @param {string} from @param {string} address @param {number} port */
async function socketTo(from, address, port) {
  const socket = createSocket("udp4");
  socket.on("error", () => {}); // where a closed port answers, a connected socket hears of it
  await new Promise((done) => socket.bind(0, from, () => done(undefined)));
  await new Promise((done) => socket.connect(port, address, () => done(undefined)));
  return socket;
}

/** @param {{ from: string, address: string, datagrams: Datagram[], gap: number }} knock */
async function knock({ from, address, datagrams, gap }) {
  const sockets = await Promise.all(datagrams.map(({ port }) => socketTo(from, address, port)));
  let at = 0;
  for (const [index, socket] of sockets.entries()) {
    if (index > 0) await after(gap);
    const payload = datagrams[index]?.payload ?? "";
    at = Number(process.hrtime.bigint()) / 1e6;
    await new Promise((sent) => socket.send(payload, sent));
  }
  for (const socket of sockets) socket.close();
  process.stdout.write(`${JSON.stringify({ at })}\n`);
}

createInterface({ input: process.stdin })
  .on("line", (line) => void knock(JSON.parse(line)))
  .on("close", () => process.exit(0));
