// Stands in for knockd where only the client is under test: says every knock it hears as a line of JSON, and
// opens a TCP port when the steps came in order. Its one argument is JSON: see FakeServer in clients.test.ts.
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const {
  steps,
  door,
  greeting,
  shut = "refuse",
  ignore = 0,
  after = 0,
  open = false,
} = JSON.parse(process.argv[2]);

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const nft = (text) => execFileSync("nft", ["-f", "-"], { input: text });

const doors = [];
let heard = 0;
let rounds = 0;

function hear(step, from, payload) {
  say({ step, from, payload, at: performance.now() });
  heard = step === steps[heard] ? heard + 1 : Number(step === steps[0]);
  if (heard < steps.length) return;
  heard = 0;
  rounds += 1;
  if (rounds > ignore) setTimeout(openDoor, after);
}

function openDoor() {
  if (shut === "drop") nft("add table inet shut\ndelete table inet shut\n");
  else listenAtDoor();
}

/** Both families; a connection is greeted, so that what passes through the client can be seen. */
function listenAtDoor() {
  if (door === undefined || doors.length > 0) return;
  for (const host of ["0.0.0.0", "::"]) {
    const server = createServer((socket) => {
      say({ entered: socket.remoteAddress });
      socket.on("error", () => {});
      socket.end(greeting ?? "");
    });
    doors.push(server.listen({ port: door, host, ipv6Only: true }));
  }
}

/** @returns a promise that a step's port is bound, by both families. */
function bind(step) {
  const [proto, port] = step.split("/");
  return Promise.all(
    ["4", "6"].map(
      (family) =>
        new Promise((bound) => {
          if (proto === "udp") {
            const socket = createSocket({ type: `udp${family}`, ipv6Only: true });
            socket.on("message", (bytes, { address }) => hear(step, address, bytes.toString("hex")));
            socket.bind(Number(port), bound);
          } else {
            const server = createServer((socket) => {
              hear(step, socket.remoteAddress, "");
              socket.destroy();
            });
            server.listen(
              { port: Number(port), host: family === "4" ? "0.0.0.0" : "::", ipv6Only: true },
              bound,
            );
          }
        }),
    ),
  );
}

await Promise.all(steps.map(bind));
if (open || shut === "drop") listenAtDoor();
if (shut === "drop" && !open) {
  nft(`table inet shut {
    chain in { type filter hook input priority 0; policy accept; tcp dport ${door} drop
    }
  }`);
}
say({ ready: true });
