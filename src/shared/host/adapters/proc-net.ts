import { readFile } from "node:fs/promises";
import { type Duration, days, seconds } from "../../duration.ts";
import type { PortsInUse } from "../../users/ports.ts";
import { listeningPorts, parseProcNet, type SocketEntry } from "../proc-net.ts";

const FILES = [
  ["tcp", "tcp"],
  ["tcp6", "tcp"],
  ["udp", "udp"],
  ["udp6", "udp"],
] as const;

/** A protocol that the kernel does not have counts as one without sockets. */
const readList = (file: string): Promise<string> => readFile(`/proc/net/${file}`, "utf8").catch(() => "");

/** Reads the sockets of this network namespace. */
export async function readSockets(): Promise<SocketEntry[]> {
  const lists = FILES.map(async ([file, proto]) => parseProcNet(await readList(file), proto));
  return (await Promise.all(lists)).flat();
}

/** Reads which ports a knock must not collide with. */
export async function readPortsInUse(): Promise<PortsInUse> {
  const listening = (await Promise.all(FILES.map(([file]) => readList(file)))).flatMap(listeningPorts);
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8").catch(() => "32768 60999");
  const [from = 32_768, to = 60_999] = range.trim().split(/\s+/).map(Number);
  return { listening: new Set(listening), ephemeral: { from, to } };
}

/** For how long conntrack remembers an idle established TCP session; 5 days where it does not say (the kernel's default). */
export async function conntrackMemory(): Promise<Duration> {
  const text = await readFile("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "utf8").catch(
    () => "",
  );
  const value = Number.parseInt(text, 10);
  return value > 0 ? seconds(value) : days(5);
}
