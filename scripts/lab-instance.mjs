// @ts-check
// A whole knockline in one temporary folder, its daemon running on a host of the lab.
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isListening, until } from "./until.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** As the first line of bin/knockd has them; a host of the lab may have no `node` on its PATH. */
const NODE_FLAGS = ["--max-semi-space-size=1"];

/** @typedef {import("./lab-host.mjs").Host} Host */
/** @typedef {import("./lab-children.mjs").Ran} Ran */
/** @typedef {string | number | boolean | readonly string[]} Value */
/** @typedef {{ [key: string]: Value | Settings }} Settings sections and keys as in knockline.toml */
/** @typedef {{ proto: "udp" | "tcp", port: number }} Step */
/** @typedef {{ name: string, steps: Step[], proof: string, services: string[], ttl: number | null }} User */

/** What every instance here starts from: small, and nothing is closed before a test says so. */
const DEFAULTS = {
  server: { name: "lab-server" },
  services: { ssh: { ports: ["tcp/22"] }, web: { ports: ["tcp/80"] }, sip: { ports: ["udp/5060"] } },
};

/** @type {Set<string>} bounded: one folder an instance not yet removed */
const folders = new Set();

process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * Makes an instance; nothing runs yet.
 * @param {Host} host where its programs will run
 * @param {Settings} [settings] laid over DEFAULTS, section by section
 * @returns {Promise<Instance>}
 * @throws {Error} when `knockctl init` fails
 */
export async function makeInstance(host, settings = {}) {
  const instance = new Instance(host, mkdtempSync(join(tmpdir(), "knockline-lab-")));
  writeFileSync(instance.config, toml({ ...DEFAULTS, ...settings }), { mode: 0o640 });
  await instance.must(["init", "--no-user"]);
  return instance;
}

/** One instance. Its folder is removed by `remove`. */
export class Instance {
  /** @type {import("./lab-children.mjs").Running | undefined} */
  #knockd;
  /** @type {((question: string) => Promise<any>) | undefined} to its admin socket, since the first `ask` */
  #line;

  /** @param {Host} host @param {string} folder */
  constructor(host, folder) {
    this.host = host;
    this.folder = folder;
    folders.add(folder);
    this.config = join(folder, "knockline.toml");
    /** Laid over the environment of knockd and knockctl. @type {NodeJS.ProcessEnv} */
    this.env = {};
  }

  /** Writes the settings file anew: for a SIGHUP, a restart or `firewall apply`. @param {Settings} settings */
  configure(settings) {
    writeFileSync(this.config, toml({ ...DEFAULTS, ...settings }));
  }

  /**
   * Runs `bin/knockctl` on the host, for this instance.
   * @param {readonly string[]} args
   * @param {import("./lab-host.mjs").RunOptions} [options]
   * @returns {Promise<Ran>}
   */
  knockctl(args, options = {}) {
    const env = { ...this.env, ...options.env };
    return this.host.run(process.execPath, this.commandLine(args), { ...options, env });
  }

  /** @param {readonly string[]} args @returns {string[]} what follows `node` for one knockctl command */
  commandLine(args) {
    return [join(ROOT, "bin/knockctl"), "--config", this.config, ...args];
  }

  /**
   * Runs knockctl, which must succeed.
   * @param {readonly string[]} args
   * @returns {Promise<string>} its stdout
   * @throws {Error} with its exit code and what it said
   */
  async must(args) {
    const ran = await this.knockctl(args);
    if (ran.code !== 0)
      throw new Error(`knockctl ${args.join(" ")}: exit ${ran.code}\n${ran.stderr}${ran.stdout}`);
    return ran.stdout;
  }

  /**
   * Asks knockctl with --json. What the JSON holds is the business of the caller.
   * @param {readonly string[]} args
   * @returns {Promise<any>}
   */
  async json(args) {
    return JSON.parse(await this.must([...args, "--json"]));
  }

  /**
   * Asks the running knockd over its admin socket, as knockctl does, without the start of a knockctl.
   * @param {string} verb
   * @param {object} [args]
   * @returns {Promise<any>} the result
   * @throws {Error} with what the gate said
   */
  async ask(verb, args = {}) {
    this.#line ??= await lineTo(join(this.folder, "admin.sock"));
    const answer = await this.#line(`${JSON.stringify({ verb, args })}\n`);
    if (answer === GONE) this.#line = undefined; // the next question finds whoever listens then
    if (answer.error) throw new Error(`${verb}: ${answer.error.message}`);
    return answer.result;
  }

  /**
   * Adds a user, proof "none" unless `options` say otherwise.
   * @param {string} name
   * @param {readonly string[]} [options] of `knockctl user add`
   * @returns {Promise<User>}
   */
  addUser(name, options = []) {
    const proof = options.includes("--proof") ? [] : ["--proof", "none"];
    return this.json(["user", "add", name, ...proof, ...options]);
  }

  /**
   * Writes a user's generated bash client, as the user would get it.
   * @param {string} name
   * @param {string} [address] the server's, as the client reaches it
   * @returns {Promise<string>} the script's path
   */
  async client(name, address = this.host.address) {
    const path = join(this.folder, `knock-${name}.sh`);
    writeFileSync(path, await this.must(["user", "client", name, "--format", "sh", "--host", address]));
    chmodSync(path, 0o700);
    return path;
  }

  /**
   * Starts knockd and waits until it calls itself running, as `knockctl status` would tell.
   * @param {NodeJS.ProcessEnv} [env] laid over this.env, for this life only
   * @param {{ deadline?: number, under?: readonly string[] }} [options] `deadline`: ms, 10 s by default; `under`: a
   * program that becomes knockd, like `unshare -m`
   * @throws {Error} with its log when it ends, or is not up in time
   */
  async start(env = {}, { deadline = 10_000, under = [] } = {}) {
    this.#line = undefined;
    const program = [process.execPath, ...NODE_FLAGS, join(ROOT, "bin/knockd"), "--config", this.config];
    const [command = "", ...args] = [...under, ...program];
    const knockd = this.host.start(command, args, { env: { ...this.env, ...env } });
    this.#knockd = knockd;
    let over = false;
    knockd.ended.then(() => {
      over = true;
    });
    const up = async () => {
      if (over) return "ended";
      if (!(await isListening(join(this.folder, "admin.sock")))) return false;
      return (await this.ask("status")).knockd.state === "running" ? "up" : false;
    };
    const state = await until(up, { what: "knockd runs", deadline }).catch((error) => error.message);
    if (state !== "up") throw new Error(`knockd did not start: ${state}\n${knockd.output()}`);
  }

  /** The daemon's process id while it runs. */
  get pid() {
    return this.#knockd?.pid;
  }

  /** @returns {string} what knockd logged since its last start */
  log() {
    return this.#knockd?.output() ?? "";
  }

  /** An orderly stop (SIGTERM). @returns {Promise<Ran | undefined>} */
  async stop() {
    return this.#knockd?.kill("SIGTERM");
  }

  /** kill -9. @returns {Promise<Ran | undefined>} */
  async kill9() {
    return this.#knockd?.kill("SIGKILL");
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#knockd?.child.kill(signal);
  }

  /**
   * Knocks a user's ports from a host.
   * @param {Host} from
   * @param {User} user
   * @param {{ family?: 4 | 6, source?: string, gap?: number, payload?: string, localPort?: number, times?: number }} [options] `source`: see Host.anyip
   * @returns {Promise<{ at: number }>} when the last packet left, monotonic ms
   */
  knock(from, user, { family = 4, source, ...rest } = {}) {
    const address = family === 4 ? this.host.address : this.host.address6;
    return from.agent.knock({ address, steps: user.steps, from: source, ...rest });
  }

  /**
   * Tries a TCP port of the server once. A guarded port is `silent`.
   * @param {Host} from
   * @param {number} port
   * @param {{ family?: 4 | 6, source?: string, timeout?: number }} [options] timeout in ms, 400 by default
   * @returns {Promise<import("./lab-agent-link.mjs").Reached>}
   */
  async tryConnect(from, port, { family = 4, source, timeout = 400 } = {}) {
    const address = family === 4 ? this.host.address : this.host.address6;
    return (await from.agent.connect({ address, port, from: source, timeout })).outcome;
  }

  /** Ends knockd and removes the folder. Safe to call twice. */
  async remove() {
    await this.kill9();
    rmSync(this.folder, { recursive: true, force: true });
    folders.delete(this.folder);
  }
}

/** The answer of a gate that is no more. */
const GONE = { error: { message: "knockd went away" } };

/**
 * Connects to a gate. It answers in the order it is asked.
 * @param {string} path
 * @returns {Promise<(question: string) => Promise<any>>}
 */
async function lineTo(path) {
  const socket = createConnection(path);
  await once(socket, "connect");
  /** @type {((answer: any) => void)[]} bounded: questions of the caller's not yet answered */
  const waiting = [];
  const lines = createInterface({ input: socket });
  lines.on("line", (line) => waiting.shift()?.(JSON.parse(line)));
  for (const end of [socket, lines]) end.on("error", () => {}); // as below
  socket.on("close", () => {
    for (const settle of waiting.splice(0)) settle(GONE);
  });
  return (question) =>
    new Promise((settle) => {
      if (socket.destroyed) return settle(GONE);
      waiting.push(settle);
      socket.write(question);
    });
}

/**
 * Writes settings as TOML: JSON's strings, numbers, booleans and lists of strings are TOML's too.
 * @param {Settings} settings
 * @param {string[]} [path]
 * @returns {string}
 */
function toml(settings, path = []) {
  const entries = Object.entries(settings);
  const isSection = (/** @type {[string, Value | Settings]} */ [, value]) =>
    typeof value === "object" && !Array.isArray(value);
  const keys = entries
    .filter((one) => !isSection(one))
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  const sections = entries
    .filter(isSection)
    .map(([key, value]) => toml(/** @type {Settings} */ (value), [...path, key]));
  const heading = path.length > 0 && keys.length > 0 ? `[${path.join(".")}]\n` : "";
  return heading + keys.join("") + sections.join("");
}
