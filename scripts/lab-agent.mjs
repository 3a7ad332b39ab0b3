// @ts-check
// The lab's hands inside a network namespace: opens sockets when told so, one JSON line a command on stdin, one a
// result on stdout. A process of its own for each probe would cost 100 ms a time and blur what is measured.
import { createSocket } from "node:dgram";
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";

/** @typedef {{ socket: import("node:net").Socket, received: number, ended: string | null }} Session */

/** @type {Map<number, Session>} held open, by number. bounded: by the test that opens them */
const sessions = new Map();
let lastSession = 0;

/** Milliseconds on the clock that all processes of the machine share (CLOCK_MONOTONIC). */
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

/** @typedef {import("./lab-agent-link.mjs").Where} Where */
/** @typedef {import("node:net").Socket} Socket */

/**
 * @param {NodeJS.ErrnoException} error
 * @returns {import("./lab-agent-link.mjs").Reached}
 */
const outcomeOf = (error) =>
  error.code === "ECONNREFUSED" ? "refused" : error.code === "ETIMEDOUT" ? "silent" : "unreachable";

/**
 * Opens one TCP connection.
 * @param {Where} where
 * @returns {Promise<{ outcome: import("./lab-agent-link.mjs").Reached, socket?: Socket }>} the socket, or how it failed
 */
function dial({ address, port, from, timeout = 1000 }) {
  return new Promise((settle) => {
    const socket = createConnection({ host: address, port, localAddress: from, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      settle({ outcome: "silent" });
    }, timeout);
    socket.on("error", (error) => {
      clearTimeout(timer);
      settle({ outcome: outcomeOf(error) });
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      settle({ outcome: "open", socket });
    });
  });
}

/**
 * One SYN: given up before the kernel would send it again, where nobody answers.
 * @param {{ address: string, port: number, from?: string, localPort: number }} where
 */
function sendSyn({ address, port, from, localPort }) {
  const socket = createConnection({ host: address, port, localAddress: from, localPort });
  socket.on("error", () => {});
  setTimeout(() => socket.destroy(), 500);
}

/**
 * Waits for the first data, 300 ms at most.
 * @param {Socket} socket
 * @returns {Promise<string>}
 */
async function greetingOf(socket) {
  const data = new Promise((settle) => socket.once("data", (chunk) => settle(String(chunk))));
  return Promise.race([data, after(300, "", { ref: false })]);
}

/** @param {{ port: number, greeting?: string, push?: number }} service */
async function listenTcp({ port, greeting = "SSH-2.0-lab\r\n", push = 0 }) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(greeting);
    socket.pipe(socket);
    if (push === 0) return;
    const timer = setInterval(() => socket.write("."), push);
    socket.on("close", () => clearInterval(timer));
  });
  await new Promise((settle, refuse) => {
    server.once("error", refuse).listen({ port, host: "::" }, () => settle(undefined));
  });
}

/** @param {{ port: number, family?: 4 | 6 }} service */
async function listenUdp({ port, family = 4 }) {
  const socket = createSocket({ type: family === 6 ? "udp6" : "udp4", ipv6Only: family === 6 });
  socket.on("message", (text, peer) => socket.send(text, peer.port, peer.address));
  await new Promise((settle, refuse) => {
    socket.once("error", refuse).bind(port, () => settle(undefined));
  });
}

/** @param {string} address */
const udpSocket = (address) => createSocket(address.includes(":") ? "udp6" : "udp4");

/** @param {import("node:dgram").Socket} socket @param {number} port @param {string} [from] */
const bind = (socket, port, from) =>
  new Promise((settle, refuse) => {
    socket.once("error", refuse).bind(port, from, () => settle(undefined));
  });

/**
 * Every command by name; its argument is the line's `args`.
 * @type {import("./lab-agent-link.mjs").Agent}
 */
const commands = {
  listen: (args) => (args.proto === "udp" ? listenUdp(args) : listenTcp(args)),

  /** One connection, closed at once. `ms`: from SYN to accepted. */
  async connect(args) {
    const start = monotonic();
    const { outcome, socket } = await dial(args);
    const ms = monotonic() - start;
    const greeting = socket ? await greetingOf(socket) : "";
    socket?.destroy();
    return { outcome, ms, greeting };
  },

  /** A new connection every `every` ms until one is accepted: `at` is when its SYN left. */
  async connectUntilOpen({ timeout = 5000, every = 1, ...where }) {
    const end = monotonic() + timeout;
    /** @type {{ at: number } | undefined} */
    let first;
    while (first === undefined && monotonic() < end) {
      const at = monotonic();
      dial({ ...where, timeout: 500 }).then(({ socket }) => {
        if (socket) first ??= { at };
        socket?.destroy();
      });
      await after(every);
    }
    return { at: first?.at ?? null };
  },

  /** Datagrams from one socket and SYNs, `gap` ms apart. `at`: when the last one left. */
  async knock({ address, steps, payload = "", payloads, gap = 20, from, localPort = 0, times = 1 }) {
    const socket = udpSocket(address);
    await bind(socket, localPort, from);
    let at = 0;
    for (const [index, { proto, port }] of steps.entries()) {
      if (index > 0 && gap > 0) await after(gap);
      at = monotonic();
      for (let n = 0; n < times; n++) {
        if (proto === "tcp") sendSyn({ address, port, from, localPort });
        else await new Promise((settle) => socket.send(payloads?.[index] ?? payload, port, address, settle));
      }
    }
    socket.close();
    return { at };
  },

  send: ({ ports, ...rest }) =>
    commands.knock({ ...rest, steps: ports.map((port) => ({ proto: /** @type {const} */ ("udp"), port })) }),

  /** Many sources at once, each knocking its own ports: `knockers` of {from, ports, payloads}. Settles when all have sent. */
  async sendMany({ address, knockers, gap = 20, payload = "" }) {
    await Promise.all(knockers.map((knocker) => commands.send({ address, payload, gap, ...knocker })));
    return { at: monotonic() };
  },

  /** One datagram, and the answer to it. `localPort` keeps one conntrack entry over several questions. */
  async ask({ address, port, payload = "ping", timeout = 500, from, localPort = 0 }) {
    const socket = udpSocket(address);
    await bind(socket, localPort, from);
    const answer = new Promise((settle) => {
      socket.once("message", (text) => settle(String(text)));
      socket.on("error", () => settle(null));
    });
    socket.send(payload, port, address);
    const reply = await Promise.race([answer, after(timeout, null)]);
    socket.close();
    return { reply };
  },

  /** A connection that stays. `session` is its number for the commands below, null when it was not let in. */
  async openSession(args) {
    const { outcome, socket } = await dial(args);
    if (!socket) return { outcome, session: null };
    /** @type {Session} */
    const state = { socket, received: 0, ended: null };
    sessions.set(++lastSession, state);
    socket.on("data", (chunk) => {
      state.received += chunk.length;
    });
    socket.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      state.ended = error.code ?? error.message;
    });
    socket.on("close", () => {
      state.ended ??= "closed";
    });
    return { outcome, session: lastSession };
  },

  /** @returns bytes received, and how the session ended: null while it lives, else `ECONNRESET`, `closed` ... */
  async sessionState({ session, say }) {
    const state = sessions.get(session);
    if (say && state?.ended === null) state.socket.write(say);
    return { received: state?.received ?? 0, ended: state ? state.ended : "unknown" };
  },

  async closeSession({ session }) {
    sessions.get(session)?.socket.destroy();
    sessions.delete(session);
  },
};

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const { id, command, args } = JSON.parse(line);
  try {
    const result = (await /** @type {any} */ (commands)[command](args)) ?? {};
    process.stdout.write(`${JSON.stringify({ id, result })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ id, error: String(error) })}\n`);
  }
});
lines.on("close", () => process.exit(0));
