import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** What test/e2e/clients-fake-server.mjs takes. */
export interface FakeServer {
  steps?: string[];
  /** TCP port that opens; by default 22. */
  door?: number;
  /** A connection is handed to sshd with this settings file; without it, it is closed. */
  sshd?: string;
  /** How the shut door answers. */
  shut?: "refuse" | "drop";
  /** How many whole knocks to overhear. */
  ignore?: number;
  /** Milliseconds between the last step and the opening. */
  after?: number;
  /** Open from the start. */
  open?: boolean;
}

/** A line of the stand-in's: a step it heard, or who came in. */
export type Heard = {
  step?: string;
  from?: string;
  payload?: string;
  at?: number;
  entered?: string;
  ready?: boolean;
};

/** What the stand-in hears by default. */
export const STEPS = ["udp/4711", "udp/29301", "udp/11822"];
/** Where the stand-in is. Names for it: `both`, `four`, and `unrouted`, whose first address has no way to it. */
export const [V4, V6] = ["192.0.2.1", "2001:db8::1"];

const FAKE_SERVER = fileURLToPath(new URL("../e2e/clients-fake-server.mjs", import.meta.url));

/** A network (and mount) namespace in which a client knocks at a stand-in for the server. */
export class ClientBed {
  readonly #holder: ChildProcess;
  readonly #folder: string;
  readonly #servers: ChildProcess[] = []; // bounded: by the test that starts them

  private constructor(folder: string, holder: ChildProcess) {
    this.#folder = folder;
    this.#holder = holder;
  }

  /** @param folder the clients' HOME; whoever made it removes it @throws when no namespace can be made */
  static async open(folder: string): Promise<ClientBed> {
    const holder = spawn("unshare", ["-n", "-m", "sh", "-c", "echo ready; exec sleep 600"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout as NonNullable<typeof holder.stdout>, "data");
    const bed = new ClientBed(folder, holder);
    const hosts = [`${V6} both`, `${V4} both`, `${V4} four`, "2001:db8:ffff::1 unrouted", `${V4} unrouted`];
    const names = join(folder, `hosts-${holder.pid}`); // its own: others read theirs meanwhile
    writeFileSync(names, `127.0.0.1 localhost\n${hosts.join("\n")}\n`);
    const setUp = await bed.run([
      "sh",
      "-ec",
      `ip link set lo up
       ip link add d0 type veth peer name d1
       ip link set d1 up
       ip link set d0 up
       ip addr add ${V4}/24 dev d0
       ip addr add ${V6}/64 dev d0 nodad
       mount --bind ${names} /etc/hosts`,
    ]);
    expect(setUp).toMatchObject({ code: 0, stderr: "" });
    return bed;
  }

  /** Runs a command to its end in the namespace. */
  async run(command: string[], env: NodeJS.ProcessEnv = {}, input = "") {
    const child = spawn("/usr/bin/nsenter", ["-t", String(this.#holder.pid), "-n", "-m", ...command], {
      env: { PATH: process.env.PATH, HOME: this.#folder, ...env },
      cwd: "/",
      detached: true,
      timeout: 15_000,
      killSignal: "SIGKILL",
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.stdin.on("error", () => {}).end(input);
    const began = performance.now();
    const [code] = await once(child, "close");
    return {
      code: code as number | null,
      stdout,
      stderr,
      took: performance.now() - began,
      pid: child.pid as number,
    };
  }

  /** Starts the stand-in and waits until it listens. @returns what it hears, as it hears it. */
  async serve(options: FakeServer = {}): Promise<Heard[]> {
    const args = JSON.stringify({ steps: STEPS, door: 22, ...options });
    const command = ["-t", String(this.#holder.pid), "-n", process.execPath, FAKE_SERVER, args];
    const child = spawn("nsenter", command, { stdio: ["ignore", "pipe", "inherit"] });
    this.#servers.push(child);
    const heard: Heard[] = [];
    await new Promise<void>((ready, refuse) => {
      child.on("exit", () => refuse(new Error("the stand-in ended before it listened")));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const event = JSON.parse(line) as Heard;
        if (event.ready) ready();
        else heard.push(event);
      });
    });
    return heard;
  }

  /** Children outlive nothing: all that a client started has ended when it has. */
  async expectNoLeftovers(pid: number): Promise<void> {
    const { stdout } = await this.run(["ps", "-o", "pid=,args=", "-g", String(pid)]);
    expect(stdout.trim()).toBe("");
  }

  /** Ends the stand-in, and the namespace with it. */
  async close(): Promise<void> {
    const ending = [...this.#servers, this.#holder].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    });
    await Promise.all(ending);
  }
}
