import { readFile } from "node:fs/promises";
import { readSockets } from "../../shared/host/adapters/proc-net.ts";
import type { SshSessions } from "../world.ts";
import { processIds, socketInodes } from "./process-sockets.ts";
import { sshSession } from "./ssh-peer.ts";

interface Process {
  readonly pid: string;
  readonly parent: string;
}

/**
 * @returns the process when it is sshd, of any release (sshd-session since OpenSSH 9.8), and root's or our own: anybody may
 * call a program of his sshd, and whoever is connected to it would be held open
 */
async function sshdProcess(pid: string): Promise<Process | undefined> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const [, name] = /^Name:\t(.*)$/m.exec(text) ?? [];
  const [, parent = ""] = /^PPid:\t(\d+)$/m.exec(text) ?? [];
  const [, uid] = /^Uid:\t(\d+)/m.exec(text) ?? [];
  const isSshd = name === "sshd" || name === "sshd-session";
  return isSshd && (uid === "0" || uid === String(process.geteuid?.())) ? { pid, parent } : undefined;
}

/**
 * The sshd processes that sshd did not start itself: the listeners, or one a session under inetd. Their children
 * are sessions, which may listen too (ssh -R), but not for log-ins.
 */
async function listeners(): Promise<Process[]> {
  const found = (await Promise.all((await processIds()).map(sshdProcess))).filter((one) => one !== undefined);
  const known = new Set(found.map(({ pid }) => pid));
  return found.filter(({ parent }) => !known.has(parent));
}

/** Finds the ports that sshd takes log-ins on, and every address connected to one of them now. */
export async function sshSessions(): Promise<SshSessions> {
  const [processes, sockets, own] = await Promise.all([listeners(), readSockets(), sshSession()]);
  const inodes = new Set((await Promise.all(processes.map(({ pid }) => socketInodes(pid)))).flat());
  const tcp = sockets.filter(({ proto }) => proto === "tcp");
  const ports = new Set(tcp.filter(({ inode }) => inodes.has(inode)).map(({ local }) => local.port));
  if (own?.port !== undefined) ports.add(own.port);
  const connected = tcp.filter(({ state, local }) => state === "established" && ports.has(local.port));
  // bounded: one entry an address that is logged in
  const peers = new Set<string>(connected.map(({ remote }) => remote.address));
  if (own !== undefined) peers.add(own.peer);
  return { ports: [...ports], peers: [...peers] };
}
