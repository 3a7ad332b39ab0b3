import { kindOf } from "../../shared/address.ts";
import type { ListenerView } from "../../shared/gate/views.ts";
import { readSockets } from "../../shared/host/adapters/proc-net.ts";
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

/** Finds what others than this host could reach: sockets that listen, or UDP ones that are bound, by protocol and port. */
export async function listening(): Promise<ListenerView[]> {
  const sockets = (await readSockets()).filter(
    ({ state, local }) => state === "listen" && kindOf(local.address) !== "loopback",
  );
  const names = await holders(new Set(sockets.map(({ inode }) => inode)));
  const found = new Map<string, ListenerView>(); // bounded: MOST
  for (const { proto, local, inode } of sockets) {
    const key = `${proto} ${local.port}`;
    const unnamed = (found.get(key)?.process ?? null) === null;
    if (unnamed && found.size < MOST)
      found.set(key, { proto, port: local.port, process: names.get(inode) || null });
  }
  return [...found.values()].sort((a, b) => a.proto.localeCompare(b.proto) || a.port - b.port);
}
