import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./wait.ts";

const ROOT = "/sys/fs/cgroup";

/** What the first version of control groups calls a limit of the second. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  "memory.max": "memory.limit_in_bytes",
  "memory.current": "memory.usage_in_bytes",
};

let made = 0;

/** A control group that limits what is started under it (cgroups(7), either version). Needs root. */
export class Cgroup {
  readonly #folder: string;
  readonly #old: boolean;

  /** @param kind of limit @throws Error when it cannot be made here */
  constructor(kind: "pids" | "memory") {
    this.#old = existsSync(join(ROOT, kind));
    if (!this.#old) writeFileSync(join(ROOT, "cgroup.subtree_control"), `+${kind}`);
    this.#folder = join(ROOT, this.#old ? kind : "", `knockline-${process.pid}-${++made}`);
    mkdirSync(this.#folder);
  }

  static areThere(): boolean {
    try {
      for (const kind of ["pids", "memory"] as const) rmdirSync(new Cgroup(kind).#folder);
      return true;
    } catch {
      return false;
    }
  }

  /** What must become the program. */
  get under(): string[] {
    return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', join(this.#folder, "cgroup.procs")];
  }

  /** Of `pids.max`, `memory.max`. @throws the system's error */
  set(limit: string, value: number | "max"): void {
    const isOldMax = this.#old && limit === "memory.max" && value === "max";
    writeFileSync(this.#file(limit), String(isOldMax ? -1 : value));
  }

  get(name: string): number {
    return Number(readFileSync(this.#file(name), "utf8"));
  }

  /** Waits until all in it have ended. */
  async remove(): Promise<void> {
    const gone = (): boolean => readFileSync(join(this.#folder, "cgroup.procs"), "utf8") === "";
    await until(gone, { what: "nothing runs in the control group" });
    rmdirSync(this.#folder);
  }

  #file(name: string): string {
    return join(this.#folder, (this.#old && OLD_NAMES[name]) || name);
  }
}
