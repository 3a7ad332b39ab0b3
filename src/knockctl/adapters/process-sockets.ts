import { readdir, readFile, readlink } from "node:fs/promises";

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

/** @returns a process's name, 15 characters at most; "" when it is gone */
export async function processName(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
}
