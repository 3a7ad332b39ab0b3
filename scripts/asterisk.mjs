// @ts-check
// A real Asterisk on a host of the lab, with callers: it is started, frozen, killed, and asked what it said.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { briefData } from "./asterisk-brief.mjs";
import { AsteriskCall } from "./asterisk-call.mjs";
import { configFiles } from "./asterisk-config.mjs";
import { fetchAsterisk } from "./asterisk-fetch.mjs";
import { until } from "./until.mjs";

const DOOR = fileURLToPath(new URL("asterisk-door.mjs", import.meta.url));

/** Of the ARI user `knockline`, unless a test wants another. Long and odd enough to be found in a log. */
export const ARI_PASSWORD = "sesame-4f&%7 x";

/** Gives the program a table of host names of its own: PJSIP looks its own name up, and waits 6 s where no DNS is. */
const WITH_HOSTS = 'mount --bind "$1" /etc/hosts; shift; exec "$@"';

/** @typedef {import("./lab-host.mjs").Host} Host */
/** @typedef {import("./lab-children.mjs").Running} Running */
/** @typedef {{ status: number, body: any }} AriAnswer */

/** @type {Set<string>} bounded: one folder an instance not yet removed */
const folders = new Set();

process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * Fetches an Asterisk when none is cached, and starts it on a host of the lab.
 * @param {Host} host
 * @param {{ password?: string, brief?: boolean, tell?: (line: string) => void }} [options] `brief`: only the beginning
 *   of each prompt is played
 * @returns {Promise<Asterisk>}
 * @throws {Error} with its last words when it does not come up
 */
export async function startAsterisk(host, { password = ARI_PASSWORD, brief = false, tell } = {}) {
  const tree = await fetchAsterisk(tell);
  const folder = mkdtempSync(join(tmpdir(), "knockline-asterisk-"));
  const data = brief ? briefData(tree.data, folder) : tree.data;
  const asterisk = new Asterisk(host, { ...tree, data }, folder);
  try {
    asterisk.configure(password);
    await asterisk.start();
    return asterisk;
  } catch (error) {
    await asterisk.remove();
    throw error;
  }
}

/** One instance. Its folder is removed by `remove`. */
export class Asterisk {
  #tree;
  #password = "";
  /** @type {Running | undefined} */
  #running;
  /** @type {Running | undefined} */
  #door;
  /** What earlier lives said. */
  #said = "";
  #calls = 0;
  /** @type {[channel: string, prompt: string][]} bounded: by what a test lets be played */
  #played = [];

  /** @param {Host} host @param {import("./asterisk-fetch.mjs").Tree} tree @param {string} folder */
  constructor(host, tree, folder) {
    this.host = host;
    this.folder = folder;
    this.#tree = tree;
    /** Where phone-auth finds it, on its own host. */
    this.url = "http://127.0.0.1:8088";
    folders.add(folder);
    for (const name of ["etc", "lib", "db", "keys", "agi", "spool", "run", "log"])
      mkdirSync(join(folder, name), { recursive: true });
  }

  /** Writes the files it reads at its next start. @param {string} password of the ARI user `knockline` */
  configure(password) {
    this.#password = password;
    const files = configFiles({ tree: this.#tree, folder: this.folder, password });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, "etc", name), text);
    writeFileSync(join(this.folder, "hosts"), `127.0.0.1 localhost ${hostname()}\n`);
  }

  /** Starts it and waits until ARI answers. @throws {Error} with its last words */
  async start() {
    await this.#openDoor();
    const inside = [...this.#tree.command, "-C", join(this.folder, "etc/asterisk.conf"), "-f"];
    const args = ["-m", "--", "sh", "-c", WITH_HOSTS, "sh", join(this.folder, "hosts"), ...inside];
    const running = this.host.start("unshare", args);
    this.#running = running;
    this.#listen(running);
    let over = false;
    running.ended.then(() => {
      over = true;
    });
    const answers = async () => over || (await this.ari("GET", "asterisk/info")).status === 200;
    await until(answers, { what: "Asterisk's ARI answers", deadline: 20_000 }).catch(() => {
      over = true;
    });
    if (over)
      throw new Error(`Asterisk did not start:\n${running.output().split("\n").slice(-12).join("\n")}`);
  }

  async #openDoor() {
    if (this.#door) return;
    this.#door = this.host.start(process.execPath, [DOOR, this.#socket, "8088"]);
    const door = this.#door;
    await until(() => door.output().includes("open"), { what: "the way in to ARI is open" });
  }

  get #socket() {
    return join(this.folder, "ari.sock");
  }

  /** Its process id while it runs. */
  get pid() {
    return this.#running?.pid;
  }

  /** @returns {string} what it wrote to its console, in all its lives */
  log() {
    return this.#said + (this.#running?.output() ?? "");
  }

  /**
   * The prompts played so far, in order, by channel: `confbridge-pin`.
   * @param {string} [channel] only to channels whose name contains this
   * @returns {string[]}
   */
  played(channel = "") {
    return this.#played.filter(([name]) => name.includes(channel)).map(([, prompt]) => prompt);
  }

  /**
   * Notes prompts as they are played: of a long console only the end is kept. @param {Running} running
   */
  #listen(running) {
    let rest = "";
    running.child.stdout.on("data", (/** @type {string} */ chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, name, prompt] = /<([^>]+)> Playing '([^']+?)(?:\.\w+)?' \(language/.exec(line) ?? [];
        if (name !== undefined && prompt !== undefined) this.#played.push([name, prompt]);
      }
    });
  }

  /**
   * Asks ARI, from outside of the lab.
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path without `/ari/`, e.g. `channels`
   * @param {Record<string, string>} [query]
   * @param {object} [body]
   * @returns {Promise<AriAnswer>}
   * @throws {Error} when it does not answer within 5 s
   */
  ari(method, path, query = {}, body) {
    const target = `/ari/${path}?${new URLSearchParams(query)}`;
    const auth = `knockline:${this.#password}`;
    const headers = body ? { "Content-Type": "application/json" } : {};
    const options = { socketPath: this.#socket, method, path: target, auth, headers, timeout: 5_000 };
    return new Promise((settle, refuse) => {
      const asked = request(options, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        answer.on("end", () => {
          const isJson = answer.headers["content-type"]?.includes("json");
          settle({ status: answer.statusCode ?? 0, body: isJson && text !== "" ? JSON.parse(text) : text });
        });
        answer.on("error", refuse);
      });
      asked.on("timeout", () => asked.destroy(new Error(`ARI did not answer ${method} ${path}`)));
      asked.on("error", refuse);
      asked.end(body && JSON.stringify(body));
    });
  }

  /**
   * Calls 864.
   * @param {{ as?: "local" | "phone" | "trunk", extension?: string, tone?: number, gap?: number, number?: string, keys?: string }} [options]
   *   `local`: within Asterisk. `phone`, `trunk`: over SIP, digits as RFC 4733, by an endpoint that logs in or one
   *   that need not. `tone` and `gap` in ms, 100 each. `number`: caller ID. `keys`: pressed as soon as the call is taken
   * @returns {Promise<AsteriskCall>}
   */
  async call({ as = "local", extension = "864", tone = 100, gap = 100, number = "5550100", keys = "" } = {}) {
    const robot = `caller-${++this.#calls}`;
    if (keys !== "") await this.ari("POST", "asterisk/variable", { variable: `KEYS_${robot}`, value: keys });
    const endpoint = as === "local" ? `Local/${extension}@internal` : `PJSIP/${extension}@outside-${as}`;
    const query = { endpoint, context: "robot", extension: "s", priority: "1", formats: "ulaw" };
    const variables = { ROBOT: robot, TONE: String(tone), GAP: String(gap) };
    // no id of our own: of several such calls at the same moment Asterisk refuses one or two, "already exists"
    const { status, body } = await this.ari(
      "POST",
      "channels",
      { ...query, callerId: number },
      { variables },
    );
    if (status !== 200) throw new Error(`Asterisk does not call ${endpoint}: ${status} ${body?.message}`);
    return new AsteriskCall(this, body, robot);
  }

  /** @returns {Promise<string[]>} the names of all channels there are */
  async channels() {
    const { body } = await this.ari("GET", "channels");
    return body.map((/** @type {{ name: string }} */ channel) => channel.name);
  }

  /** Hangs up every channel there is. */
  async hangUpAll() {
    const { body } = await this.ari("GET", "channels");
    await Promise.all(
      body.map((/** @type {{ id: string }} */ { id }) =>
        this.ari("DELETE", `channels/${encodeURIComponent(id)}`),
      ),
    );
  }

  /** An orderly stop. */
  async stop() {
    await this.#end("SIGTERM");
  }

  async kill9() {
    await this.#end("SIGKILL");
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const running = this.#running;
    if (running === undefined) return;
    await running.kill(signal);
    this.#said = this.log();
    this.#running = undefined;
  }

  /** It stands still, its connections open: nothing answers. */
  freeze() {
    this.#running?.child.kill("SIGSTOP");
  }

  thaw() {
    this.#running?.child.kill("SIGCONT");
  }

  /** Ends it and removes its folder. Safe to call twice. */
  async remove() {
    await this.kill9();
    await this.#door?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
    folders.delete(this.folder);
  }
}
