import { readFile } from "node:fs/promises";
import { parseAddress } from "../../shared/address.ts";

/** The two ends of an SSH session, as sshd tells its children (ssh(1), ENVIRONMENT). */
export interface SshSession {
  /** Canonical. */
  readonly peer: string;
  /** sshd's port; undefined when only SSH_CLIENT of old was set without it. */
  readonly port: number | undefined;
}

/** How far up the family we look; a login shell under sudo, su and tmux is less than ten deep. */
const GENERATIONS = 32;

function sessionOf(variables: ReadonlyMap<string, string>): SshSession | undefined {
  const [peer = "", , , port] = variables.get("SSH_CONNECTION")?.split(" ") ?? [];
  const [clientPeer = "", , clientPort] = variables.get("SSH_CLIENT")?.split(" ") ?? [];
  const address = parseAddress(peer) ?? parseAddress(clientPeer);
  const number = Number(port ?? clientPort);
  return address === undefined
    ? undefined
    : { peer: address, port: Number.isInteger(number) ? number : undefined };
}

function variablesOf(environ: string): Map<string, string> {
  const split = environ.split("\0").map((line) => line.split(/=(.*)/s));
  return new Map(split.map(([name = "", value = ""]) => [name, value]));
}

/** @returns the parent's pid: the fourth field of /proc/PID/stat, counted behind the name in brackets (proc(5)). */
async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
}

/**
 * Finds the SSH session that this process came from. sudo takes SSH_CONNECTION out of the environment, so its
 * parents are asked too.
 * @returns undefined when none of them came in by SSH, or may be looked at
 */
export async function sshSession(): Promise<SshSession | undefined> {
  let pid = process.pid;
  for (let generation = 0; generation < GENERATIONS && pid > 1; generation++) {
    const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    const found = sessionOf(variablesOf(environ));
    if (found !== undefined) return found;
    pid = await parentOf(pid);
  }
  return undefined;
}
