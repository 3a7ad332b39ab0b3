// Stands in for knockd where only the client is under test: says every knock it hears as a line of JSON, and
// opens a TCP port when the steps came in order. Its one argument is JSON: see FakeServer in clients.test.ts.
import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const {
  steps,
  door,
  sshd,
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

function listenAtDoor() {
  if (door === undefined || doors.length > 0) return;
  for (const host of ["0.0.0.0", "::"]) {
    const server = createServer({ pauseOnConnect: true }, enter);
    doors.push(server.listen({ port: door, host, ipv6Only: true }));
  }
}

function enter(socket) {
  say({ entered: socket.remoteAddress });
  socket.on("error", () => {});
  if (!sshd) return socket.destroy();
  const session = spawn("/usr/sbin/sshd", ["-i", "-f", sshd], { stdio: [socket, socket, "ignore"] });
  // our own copy of the socket would hold the connection open
  session.on("exit", () => socket.destroy());
}

/** @returns a promise that a step's port is bound, by both families. */
function bind(step) {
  const [proto, port] = step.split("/");
  const listen = proto === "udp" ? listenUdp : listenTcp;
  return Promise.all([listen(step, Number(port), "0.0.0.0"), listen(step, Number(port), "::")]);
}

function listenUdp(step, port, address) {
  // ipv6Only on an IPv4 socket makes the bind fail without a word
  const socket = createSocket(address === "::" ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
  socket.on("message", (bytes, { address: from }) => hear(step, from, bytes.toString("hex")));
  return once(socket.bind({ port, address }), "listening");
}

function listenTcp(step, port, host) {
  const server = createServer((socket) => {
    hear(step, socket.remoteAddress, "");
    socket.destroy();
  });
  return once(server.listen({ port, host, ipv6Only: true }), "listening");
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
