import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { fetchDebian } from "../../scripts/debian-fetch.mjs";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { type Host, type Lab, openLab, type Ran, type Running } from "./lab.ts";
import { until } from "./wait.ts";

/** Where packages lie in the machine. */
const PACKAGES = "/opt/packages";

/** A whole Debian with its own systemd, in a namespace of a lab; the lab's hosts are its neighbours. */
export class Machine {
  /** The lab that it is in now: another after each boot, for a namespace keeps its tables. */
  lab!: Lab;
  #console!: Running;
  #init = 0;

  private constructor(
    private readonly folder: string,
    private readonly neighbours: readonly string[],
  ) {}

  /**
   * Boots a fresh machine.
   * @param suite `trixie` or `bookworm`
   * @param neighbours names of the hosts around it
   * @throws Error when it does not come up; nothing is left behind then
   */
  static async open(suite: string, neighbours: readonly string[]): Promise<Machine> {
    const root = await fetchDebian(suite);
    const folder = mkdtempSync(join(tmpdir(), "knockline-machine-"));
    const machine = new Machine(folder, neighbours);
    try {
      await promisify(execFile)("cp", ["-a", "--reflink=auto", `${root}/.`, join(folder, "root")]);
      mkdirSync(machine.path(PACKAGES));
      writeFileSync(machine.path("/etc/hostname"), "fresh\n");
      await machine.#boot();
      return machine;
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  /** Lays .deb files into it; they are not installed. */
  lay(packages: readonly string[]): void {
    for (const file of packages) copyFileSync(file, this.path(Machine.packagePath(file)));
  }

  /** @returns where a file of the machine is on this one */
  path(file: string): string {
    return join(this.folder, "root", file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  /** Replaces text in a file. @throws Error when it is not there */
  edit(file: string, before: string, after: string): void {
    const text = this.read(file);
    if (!text.includes(before)) throw new Error(`${file} does not hold ${before}`);
    writeFileSync(this.path(file), text.replace(before, after));
  }

  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }
  #hosts = new Map<string, Host>(); // bounded: the neighbours

  get address(): string {
    return this.lab.server.address;
  }

  /** Runs a program in it to its end. */
  run(command: string, args: readonly string[] = []): Promise<Ran> {
    const environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"];
    const quiet = ["DEBIAN_FRONTEND=noninteractive", "TERM=dumb"];
    const entered = ["-t", String(this.#init), "-a", "env", "-i", ...environment, ...quiet, command, ...args];
    return this.lab.server.run("nsenter", entered, { timeout: 120_000 });
  }

  /** Runs a program that must succeed. @returns what it printed @throws Error with what it said */
  async must(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, args);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Asks knockctl. What the JSON holds is the business of the caller. */
  async json(...args: string[]): Promise<ReturnType<typeof JSON.parse>> {
    return JSON.parse(await this.must("knockctl", ...args, "--json"));
  }

  /** One property of a unit, as `systemctl show` tells it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must("systemctl", "show", "--value", "--property", name, unit)).trim();
  }

  /** What apt or dpkg is given to install a package of ours. */
  static packagePath(file: string): string {
    return join(PACKAGES, basename(file));
  }

  /** Tries a TCP port of the machine once, from a neighbour. */
  async knocking(from: string, port: number): Promise<string> {
    return (await this.host(from).agent.connect({ address: this.address, port, timeout: 700 })).outcome;
  }

  /** An orderly reboot. */
  async reboot(): Promise<void> {
    await this.run("systemctl", ["--no-block", "reboot"]);
    await this.#console.ended;
    await this.lab.close();
    await this.#boot();
  }

  /** Switches it off and removes every file of it. Safe to call twice. */
  async close(): Promise<void> {
    await this.#console?.kill("SIGKILL");
    await this.lab?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #boot(): Promise<void> {
    this.lab = await openLab();
    for (const name of this.neighbours) this.#hosts.set(name, await this.lab.host(name));
    const { server } = this.lab;
    this.#console = server.start("systemd-nspawn", [
      ...["--register=no", "--keep-unit", "--quiet", "--console=read-only", "--capability=CAP_NET_ADMIN"],
      ...[
        `--network-namespace-path=/proc/${server.pid}/ns/net`,
        "--directory",
        join(this.folder, "root"),
        "--boot",
      ],
    ]);
    await until(
      async () => {
        this.#init = childOf(this.#console.pid);
        const { stdout } = await this.run("systemctl", ["is-system-running"]);
        return ["running", "degraded"].includes(stdout.trim());
      },
      { what: "the machine is up", deadline: 60_000, every: 200 },
    ).catch((error) => {
      throw new Error(`${error.message}\n${this.#console.output().slice(-2_000)}`);
    });
  }
}

/** @returns the only child of a process @throws Error while there is none */
function childOf(pid: number): number {
  const [child] = childrenOf(pid);
  if (child === undefined) throw new Error(`${pid} has no child yet`);
  return child;
}
