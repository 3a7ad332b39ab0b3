// A laboratory of throw-away network namespaces: a server, and hosts that reach it over a cable each.
//
//   laptop eth0 198.51.100.2  ──veth──  server (198.51.100.1, 2001:db8:0:1::1)  ──veth──  eth0 198.51.100.3 laptop2
//
// Every namespace is held by a process (`cat` on a pipe from us), not by a name under /run/netns: it needs no root
// beyond `unshare -Un --map-current-user --keep-caps`, and it is gone with us, also after kill -9. Only the
// network is apart: hosts share files and process ids with the machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { agentOf } from "./lab-agent-link.mjs";

/**
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Ran
 * `code` is null when a signal ended it (SIGKILL when it ran into its timeout).
 */

/**
 * @typedef {object} RunOptions
 * @property {string} [input] text for its stdin; without it stdin is empty
 * @property {NodeJS.ProcessEnv} [env] laid over our own environment
 * @property {string} [cwd]
 * @property {number} [timeout] milliseconds after which it is killed; 20,000 by default
 */

/**
 * @typedef {object} Running a child process in a namespace that goes on
 * @property {number} pid
 * @property {import("node:child_process").ChildProcessWithoutNullStreams} child
 * @property {() => string} output all it said on stdout and stderr, the last 1 MiB
 * @property {Promise<Ran>} ended
 * @property {(signal?: NodeJS.Signals) => Promise<Ran>} kill SIGTERM by default; settles when it has ended
 */

/** Debian keeps `ip` and `nft` where an ordinary user's PATH does not look. */
const PATH = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

/** Output kept of a child, in characters: older text goes first. */
const OUTPUT_CAP = 1 << 20;

/**
 * Holds a namespace until our end of its stdin closes, then ends what is left in it: children of our children do
 * not get the signal that ours get at our death. It says "there" once the namespace is; before, nsenter would
 * enter our own.
 */
const HOLDER = `
echo there
cat >/dev/null
mine=$(readlink /proc/self/ns/net)
for process in /proc/[0-9]*; do
  pid=\${process#/proc/}
  if [ "$pid" != $$ ] && [ "$(readlink "$process/ns/net")" = "$mine" ]; then kill -9 "$pid"; fi
done 2>/dev/null
`;

/** @type {Set<Lab>} bounded: one a call of openLab, gone at close */
const openLabs = new Set();

// A plain exit or Ctrl-C need not wait for the kernel to notice our closed pipes: children end at once.
process.on("exit", () => {
  for (const lab of openLabs) lab.killAll();
});

/** Closes every lab before Ctrl-C or SIGTERM ends the program, unless the program handles these itself. */
export function closeLabsOnSignals() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.once(signal, () => {
      for (const lab of openLabs) lab.killAll();
      process.kill(process.pid, signal);
    });
  }
}

/**
 * Makes a lab with its server.
 * @returns {Promise<Lab>}
 * @throws {Error} when network namespaces may not be made here
 */
export async function openLab() {
  const lab = new Lab();
  openLabs.add(lab);
  try {
    await lab.start();
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** A server and the hosts around it. */
export class Lab {
  /** @type {Host} set by start(), before openLab gives the lab away */
  server = /** @type {any} */ (undefined);
  /** @type {Host[]} bounded: 250, the last octet of their addresses */
  #hosts = [];
  /** Cables laid so far: also the last octet of the next host's address, less one. */
  #cables = 1;
  #closed = false;

  async start() {
    this.server = await Host.create("server", "198.51.100.1", "2001:db8:0:1::1");
    this.#hosts.push(this.server);
    await this.server.ip([
      "link set lo up",
      "addr add 198.51.100.1/32 dev lo",
      "addr add 2001:db8:0:1::1/128 dev lo",
    ]);
  }

  /**
   * Adds a host with a cable to the server: eth0, one IPv4 and one IPv6 address, default routes to the server.
   * @param {string} name
   * @returns {Promise<Host>}
   */
  async host(name) {
    const n = ++this.#cables;
    const host = await Host.create(name, `198.51.100.${n}`, `2001:db8:0:${n.toString(16)}::1`);
    this.#hosts.push(host);
    host.uplink = { server: this.server, device: `to${n}` };
    await this.server.ip([
      `link add name to${n} type veth peer name eth0 netns ${host.pid}`,
      `link set to${n} addrgenmode none up`,
      `addr add fe80::1/64 dev to${n} nodad`,
      `route add ${host.address}/32 dev to${n} src ${this.server.address}`,
    ]);
    await host.ip([
      "link set lo up",
      "link set eth0 addrgenmode none up",
      `addr add ${host.address}/32 dev eth0`,
      `addr add ${host.address6}/64 dev eth0 nodad`,
      "addr add fe80::2/64 dev eth0 nodad",
      `route add ${this.server.address}/32 dev eth0`,
      `route add default via ${this.server.address} dev eth0`,
      "route add default via fe80::1 dev eth0",
    ]);
    // by the host's link-local address, so that every address of its /64 is reached without neighbour discovery
    await this.server.ip([
      `route add 2001:db8:0:${n.toString(16)}::/64 via fe80::2 dev to${n} src ${this.server.address6}`,
    ]);
    return host;
  }

  /** Ends every process of the lab, and with it the namespaces. Safe to call twice. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    this.killAll();
    await Promise.all(this.#hosts.map((host) => host.gone()));
    openLabs.delete(this);
  }

  /** Kills, without waiting, whatever runs in the lab's namespaces, children of children too. */
  killAll() {
    const spaces = new Set(this.#hosts.map((host) => host.space));
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const space = spaceOf(pid);
      if (space !== undefined && spaces.has(space)) kill(Number(pid));
    }
  }
}

/** One network namespace with the processes in it. */
export class Host {
  /** @type {{ server: Host, device: string } | undefined} the cable to the server; the server has none */
  uplink;
  /** @type {Set<Running>} bounded: what the test or demo starts here and has not ended */
  #running = new Set();
  #holder;
  /** @type {import("./lab-agent-link.mjs").Agent | undefined} */
  #agent;

  /**
   * @param {string} name
   * @param {string} address
   * @param {string} address6
   * @param {import("node:child_process").ChildProcessWithoutNullStreams} holder
   */
  constructor(name, address, address6, holder) {
    this.name = name;
    /** Its IPv4 address. */
    this.address = address;
    /** Its IPv6 address. */
    this.address6 = address6;
    this.#holder = holder;
    /** The process that holds the namespace: for `nsenter -t PID -n`. */
    this.pid = /** @type {number} */ (holder.pid);
    /** What /proc calls the namespace: `net:[4026532281]`. */
    this.space = spaceOf(this.pid);
  }

  /**
   * @param {string} name
   * @param {string} address
   * @param {string} address6
   */
  static async create(name, address, address6) {
    const holder = spawn("unshare", ["-n", "--", "sh", "-c", HOLDER], {
      env: { ...process.env, PATH },
      detached: true, // Ctrl-C is for us: we end what we started, in our order
    });
    const complaint = collect(holder.stderr);
    const said = await Promise.race([
      once(holder.stdout, "data"),
      once(holder, "close"),
      once(holder, "error"),
    ]);
    if (!String(said[0]).startsWith("there")) {
      throw new Error(`no network namespace can be made here: ${complaint() || said[0]}`.trim());
    }
    return new Host(name, address, address6, holder);
  }

  /**
   * Runs a program here to its end.
   * @param {string} command
   * @param {readonly string[]} [args]
   * @param {RunOptions} [options]
   * @returns {Promise<Ran>}
   */
  async run(command, args = [], options = {}) {
    const running = this.start(command, args, options);
    running.child.stdin.end(options.input ?? "");
    const timer = setTimeout(() => running.child.kill("SIGKILL"), options.timeout ?? 20_000);
    const ran = await running.ended;
    clearTimeout(timer);
    return ran;
  }

  /**
   * Starts a program here that goes on. It dies with this process, also after kill -9 (PR_SET_PDEATHSIG).
   * @param {string} command
   * @param {readonly string[]} [args]
   * @param {RunOptions} [options] without `input` and `timeout`
   * @returns {Running}
   */
  start(command, args = [], options = {}) {
    const child = spawn(
      "nsenter",
      ["-t", `${this.pid}`, "-n", "setpriv", "--pdeathsig", "KILL", command, ...args],
      {
        env: { ...process.env, PATH, ...options.env },
        cwd: options.cwd,
      },
    );
    child.stdin.on("error", () => {}); // it may end before it has read its input
    const running = follow(child);
    this.#running.add(running);
    running.ended.finally(() => this.#running.delete(running));
    return running;
  }

  /**
   * Runs `ip` commands here in one batch.
   * @param {readonly string[]} lines
   * @throws {Error} with what `ip` said
   */
  async ip(lines) {
    const ran = await this.run("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
    if (ran.code !== 0) throw new Error(`ip on ${this.name}: ${ran.stderr || ran.stdout}`.trim());
  }

  /**
   * AnyIP: every address of the range becomes this host's own, so that it can speak as thousands of others, and
   * the server sends their answers here. `10.0.0.0/16` is 65,536 sources.
   * @param {string} cidr IPv4 or IPv6
   */
  async anyip(cidr) {
    if (!this.uplink) throw new Error("anyip is for hosts around the server");
    const { server, device } = this.uplink;
    const six = cidr.includes(":");
    await this.ip([`route add local ${cidr} dev lo`]);
    // IPv6, unlike IPv4, does not let a socket bind to an address that is local by route only
    if (six) await this.run("sh", ["-c", "echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind"]);
    await server.ip([`route replace ${cidr} via ${six ? "fe80::2" : this.address} dev ${device}`]);
  }

  /** The long-lived process here that opens sockets for us: started at first use. */
  get agent() {
    this.#agent ??= agentOf(this);
    return this.#agent;
  }

  /** Settles when every process here has ended. */
  async gone() {
    await Promise.all([...this.#running].map(({ ended }) => ended));
    if (this.#holder.exitCode === null && this.#holder.signalCode === null) await once(this.#holder, "exit");
  }
}

/**
 * @param {number | string} pid
 * @returns {string | undefined} the network namespace a process is in; undefined when it is gone or not ours to ask
 */
function spaceOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself in between
  }
}

/**
 * @param {import("node:stream").Readable} stream
 * @returns {() => string} what it said so far, the last OUTPUT_CAP characters
 */
function collect(stream) {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk) => {
    text = (text + chunk).slice(-OUTPUT_CAP);
  });
  return () => text;
}

/**
 * @param {import("node:child_process").ChildProcessWithoutNullStreams} child
 * @returns {Running}
 */
function follow(child) {
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  /** @type {Promise<Ran>} */
  const ended = new Promise((settle) => {
    child.once("error", (error) =>
      settle({ code: 127, signal: null, stdout: stdout(), stderr: error.message }),
    );
    /** @param {number | null} code @param {NodeJS.Signals | null} signal */
    const done = (code, signal) => settle({ code, signal, stdout: stdout(), stderr: stderr() });
    child.once("close", done);
    // a grandchild may hold the pipes open for as long as it likes: nobody waits for it
    child.once("exit", (code, signal) => setTimeout(done, 300, code, signal).unref());
  });
  return {
    pid: /** @type {number} */ (child.pid),
    child,
    output: () => stdout() + stderr(),
    ended,
    kill(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
