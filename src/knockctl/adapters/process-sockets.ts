import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";

/** @returns the ids of all processes that can be seen */
export async function processIds(): Promise<string[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
}

/** @returns the inodes of a process's sockets (proc_pid_fd(5)); none when it may not be looked at */
export async function socketInodes(pid: string): Promise<number[]> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []).map(Number);
}

/** Programs that run another one: a person knows it by that one's name. */
const RUNTIMES = new Set(["node", "python3", "perl", "bash", "sh"]);

/** What the gate takes as a name. Characters; the name of a script may be longer, and is anybody's choice. */
const MOST = 64;

/** @returns a process's name as a person calls it: what a runtime runs, not the runtime; "" when it is gone */
export async function processName(pid: string): Promise<string> {
  const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
  if (!RUNTIMES.has(name) && name !== "MainThread") return name;
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const [, script] = line.split("\0").filter((word) => word !== "" && !word.startsWith("-"));
  return script === undefined
    ? name
    : basename(script)
        .replace(/\.[cm]?js$/, "")
        .slice(0, MOST);
}
