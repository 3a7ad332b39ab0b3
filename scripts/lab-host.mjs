// @ts-check
// One network namespace of the lab, with the processes in it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { agentOf } from "./lab-agent-link.mjs";
import { collect, follow, spaceOf } from "./lab-children.mjs";
import { PATH } from "./steps.mjs";

/** @typedef {import("./lab-children.mjs").Ran} Ran */
/** @typedef {import("./lab-children.mjs").Running} Running */

/**
 * @typedef {object} RunOptions
 * @property {string} [input] text for its stdin; without it stdin is empty
 * @property {NodeJS.ProcessEnv} [env] laid over our own environment
 * @property {string} [cwd]
 * @property {number} [timeout] milliseconds after which it is killed; 20,000 by default
 */

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
