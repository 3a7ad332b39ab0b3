import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { briefRecordings } from "../../scripts/asterisk-brief.mjs";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { ARI_PASSWORD, type Asterisk, type AsteriskCall, startAsterisk } from "./asterisk.ts";
import { type Instance, openScene, type Scene, type Settings } from "./instance.ts";
import type { Running } from "./lab.ts";
import { until } from "./wait.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/phone-auth", import.meta.url));

/** Our own prompts. */
const RECORDINGS = fileURLToPath(new URL("../../sounds", import.meta.url));

/** Makes a program count what it holds when asked. */
const CENSUS = fileURLToPath(new URL("./census.cjs", import.meta.url));

/** How soon everything must work again once what it lacked is back. ms */
const BACK_WITHIN = 5_000;
/** A bare Node starts in 130 ms on a machine that has time; on one that takes so long, times say nothing of us. ms */
const TOO_BUSY = 400;

/** A scene with a real Asterisk and phone-auth on its server. */
export class PhoneScene {
  readonly scene: Scene<"laptop">;
  readonly asterisk: Asterisk;
  #phone: Running | undefined;
  /** What earlier phone-auths logged. */
  #said = "";

  constructor(scene: Scene<"laptop">, asterisk: Asterisk) {
    this.scene = scene;
    this.asterisk = asterisk;
  }

  get instance(): Instance {
    return this.scene.instance;
  }

  /** Its process id while it runs. */
  get pid(): number {
    return this.#phone?.pid ?? 0;
  }

  /** The file of the ARI password. */
  writePassword(password: string, mode = 0o600): void {
    writeFileSync(join(this.instance.folder, "ari.secret"), `${password}\n`, { mode });
  }

  /** The process id of its child that runs ari-client. @throws when there is none */
  get linkPid(): number {
    const [child] = childrenOf(this.pid);
    if (child === undefined) throw new Error("phone-auth has no child");
    return child;
  }

  /** Starts phone-auth. @param under a program that becomes it */
  start(under: readonly string[] = []): void {
    const env = { NODE_OPTIONS: `--require=${CENSUS}`, KNOCKLINE_CENSUS: this.instance.folder };
    const program = [process.execPath, PROGRAM, "--config", this.instance.config];
    const [command = "", ...args] = [...under, ...program];
    this.#phone = this.scene.server.start(command, args, { env });
  }

  /** Counts timers, sockets and pipes of phone-auth and of its child, by kind. */
  async census(): Promise<Record<string, number>> {
    const counts = await Promise.all([this.pid, this.linkPid].map((pid) => this.#count(pid)));
    const entries = counts.flatMap((one, n) =>
      Object.entries(one).map(
        ([kind, count]) => [`${n === 0 ? "phone-auth" : "ari-link"} ${kind}`, count] as const,
      ),
    );
    return Object.fromEntries(entries);
  }

  async #count(pid: number): Promise<Record<string, number>> {
    const file = join(this.instance.folder, `census-${pid}.json`);
    rmSync(file, { force: true });
    process.kill(pid, "SIGUSR2");
    return until(() => existsSync(file) && JSON.parse(readFileSync(file, "utf8")), { what: "a census" });
  }

  /** @returns what became of it: exit code and last words */
  async stop(signal: NodeJS.Signals = "SIGTERM") {
    const ran = await this.#phone?.kill(signal);
    this.#said = this.log();
    this.#phone = undefined;
    return ran;
  }

  /** @returns all that phone-auth logged so far */
  log(): string {
    return this.#said + (this.#phone?.output() ?? "");
  }

  /** @returns the link's state, as knockd tells it to `knockctl status` */
  async link(): Promise<string> {
    return (await this.instance.ask("status")).phone.state;
  }

  /** Waits until knockd tells of that state. */
  async becomes(state: string, deadline = 15_000): Promise<void> {
    await until(async () => (await this.link()) === state, {
      what: `the phone is ${state}`,
      deadline,
      every: 100,
    });
  }

  /** Calls, and waits until the caller is asked for his PIN. @throws when he is not in time */
  async callAndBeAsked(options: { as?: "local" | "phone" | "trunk"; deadline?: number } = {}) {
    const before = this.#asked();
    const call = await this.asterisk.call(options);
    await until(() => this.#asked() > before, {
      what: "the caller is asked for his PIN",
      deadline: options.deadline ?? 15_000,
    });
    return call;
  }

  /** Where phone-auth's log ends now: what it says of the link from here on is news. */
  get mark(): number {
    return this.log().length;
  }

  /**
   * Waits until the link has come up after a mark, and calls. Of times it asks the log, not `knockctl status`, which
   * takes a process each time.
   * @param since when everything was there again, performance.now()
   * @throws Error unless the caller is asked for his PIN within 5 s of that, on a machine that is not too busy to tell
   */
  async callsWork({ after, since }: { after: number; since: number }): Promise<AsteriskCall> {
    await until(() => this.log().slice(after).includes("the link to Asterisk is up"), {
      what: "the link is up again",
      deadline: 30_000,
    });
    const call = await this.callAndBeAsked({ deadline: 30_000 });
    const took = Math.round(performance.now() - since);
    console.log(`back after ${took} ms`);
    if (took > BACK_WITHIN && bareStart() < TOO_BUSY)
      throw new Error(`calls work only after ${took} ms, and ${BACK_WITHIN} are allowed`);
    return call;
  }

  #asked(): number {
    return this.asterisk.played().filter((prompt) => prompt === "confbridge-pin").length;
  }

  /** Ends and removes everything. Safe to call twice. */
  async close(): Promise<void> {
    await this.stop("SIGKILL");
    await this.asterisk.remove();
    await this.scene.close();
  }
}

/** How long a Node takes to start that does nothing. ms */
function bareStart(): number {
  const begin = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - begin;
}

/**
 * Opens a scene; knockd and phone-auth run, and the link is up.
 * @param options `brief`: only the beginning of each prompt is played
 * @throws when something of it cannot be made
 */
export async function openPhoneScene(
  settings: Settings = {},
  options: { brief?: boolean } = {},
): Promise<PhoneScene> {
  const phone = { enabled: true, context: "internal", callback: "Local/{number}@internal" };
  const scene = await openScene(["laptop"], {
    firewall: { guard: "services" },
    ...(options.brief && { paths: { sounds: "sounds" } }),
    ...settings,
    phone: { ...phone, ...(settings.phone as Settings | undefined) },
  });
  if (options.brief) briefRecordings(RECORDINGS, join(scene.instance.folder, "sounds"));
  const asterisk = startAsterisk(scene.server, options); // it comes up beside knockd
  asterisk.catch(() => {}); // whoever awaits it hears of it
  try {
    await scene.instance.start();
    const whole = new PhoneScene(scene, await asterisk);
    whole.writePassword(ARI_PASSWORD);
    whole.start();
    await whole.becomes("up");
    return whole;
  } catch (error) {
    await asterisk.then(
      (one) => one.remove(),
      () => {},
    );
    await scene.close();
    throw error;
  }
}
