import { kindOf } from "../../shared/address.ts";
import type { ListenerView } from "../../shared/gate/views.ts";
import { readSockets } from "../../shared/host/adapters/proc-net.ts";
import type { Listener } from "../audit/seen.ts";
import { processIds, processName, socketInodes } from "./process-sockets.ts";

/** More listening sockets than these no host has; what is left out is only not named in a plan. */
const MOST = 2_000;

/** @returns the names of the processes that hold these sockets, by inode; only root sees those of others */
async function holders(inodes: ReadonlySet<number>): Promise<Map<number, string>> {
  const names = new Map<number, string>(); // bounded: by the sockets asked for
  for (const pid of await processIds()) {
    const held = (await socketInodes(pid)).filter((inode) => inodes.has(inode) && !names.has(inode));
    if (held.length === 0) continue;
    const name = await processName(pid);
    for (const inode of held) names.set(inode, name);
  }
  return names;
}

/** Every socket that listens, or UDP one that is bound, with its address and the process that holds it. */
export async function listeners(): Promise<Listener[]> {
  const sockets = (await readSockets()).filter(({ state }) => state === "listen");
  const names = await holders(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ proto, local, inode }) => ({ proto, ...local, process: names.get(inode) || null }));
}

/** Finds what others than this host could reach, by protocol and port. */
export async function listening(): Promise<ListenerView[]> {
  const found = new Map<string, ListenerView>(); // bounded: MOST
  for (const { proto, address, port, process } of await listeners()) {
    if (kindOf(address) === "loopback") continue;
    const key = `${proto} ${port}`;
    const unnamed = (found.get(key)?.process ?? null) === null;
    if (unnamed && found.size < MOST) found.set(key, { proto, port, process });
  }
  return [...found.values()].sort((a, b) => a.proto.localeCompare(b.proto) || a.port - b.port);
}
