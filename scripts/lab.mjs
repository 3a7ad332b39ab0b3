// @ts-check
// A laboratory of throw-away network namespaces: a server, and hosts that reach it over a cable each.
//
//   laptop eth0 198.51.100.2  ──veth──  server (198.51.100.1, 2001:db8:0:1::1)  ──veth──  eth0 198.51.100.3 laptop2
//
// Every namespace is held by a process (`cat` on a pipe from us), not by a name under /run/netns: it needs no root
// beyond `unshare -Un --map-current-user --keep-caps`, and it is gone with us, also after kill -9. Only the
// network is apart: hosts share files and process ids with the machine.
import { readdirSync } from "node:fs";
import { kill, spaceOf } from "./lab-children.mjs";
import { Host } from "./lab-host.mjs";

/** @type {Set<Lab>} bounded: one a call of openLab, gone at close */
const openLabs = new Set();

// A plain exit need not wait until the kernel has closed our pipes: what runs in a lab ends at once.
process.on("exit", () => {
  for (const lab of openLabs) lab.killAll();
});

/** Makes Ctrl-C, SIGTERM and SIGHUP an exit as above, that leaves nothing behind. For programs, not for tests. */
export function exitOnSignals() {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
  for (const [signal, number] of Object.entries(numbers))
    process.once(signal, () => process.exit(128 + number));
}

/**
 * Makes a lab with its server.
 * @returns {Promise<Lab>}
 * @throws {Error} when network namespaces may not be made here
 */
export async function openLab() {
  const lab = new Lab();
  openLabs.add(lab);
  try {
    await lab.start();
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** A server and the hosts around it. */
export class Lab {
  /** @type {Host} set by start(), before openLab gives the lab away */
  server = /** @type {any} */ (undefined);
  /** @type {Host[]} bounded: 250, the last octet of their addresses */
  #hosts = [];
  /** Cables laid so far: also the last octet of the next host's address, less one. */
  #cables = 1;
  #closed = false;

  async start() {
    this.server = await Host.create("server", "198.51.100.1", "2001:db8:0:1::1");
    this.#hosts.push(this.server);
    await this.server.ip([
      "link set lo up",
      "addr add 198.51.100.1/32 dev lo",
      "addr add 2001:db8:0:1::1/128 dev lo nodad", // else it cannot be a source until the kernel gets to it
    ]);
  }

  /**
   * Adds a host with a cable to the server: eth0, one IPv4 and one IPv6 address, default routes to the server.
   * @param {string} name
   * @returns {Promise<Host>}
   */
  async host(name) {
    const n = ++this.#cables;
    const host = await Host.create(name, `198.51.100.${n}`, `2001:db8:0:${n.toString(16)}::1`);
    this.#hosts.push(host);
    host.uplink = { server: this.server, device: `to${n}` };
    await this.server.ip([
      `link add name to${n} type veth peer name eth0 netns ${host.pid}`,
      `link set to${n} addrgenmode none up`,
      `addr add fe80::1/64 dev to${n} nodad`,
      `route add ${host.address}/32 dev to${n} src ${this.server.address}`,
    ]);
    await host.ip([
      "link set lo up",
      "link set eth0 addrgenmode none up",
      `addr add ${host.address}/32 dev eth0`,
      `addr add ${host.address6}/64 dev eth0 nodad`,
      "addr add fe80::2/64 dev eth0 nodad",
      `route add ${this.server.address}/32 dev eth0`,
      `route add default via ${this.server.address} dev eth0`,
      "route add default via fe80::1 dev eth0",
    ]);
    // by the host's link-local address, so that every address of its /64 is reached without neighbour discovery
    await this.server.ip([
      `route add 2001:db8:0:${n.toString(16)}::/64 via fe80::2 dev to${n} src ${this.server.address6}`,
    ]);
    return host;
  }

  /** Ends every process of the lab, and with it the namespaces. Safe to call twice. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    this.killAll();
    await Promise.all(this.#hosts.map((host) => host.gone()));
    openLabs.delete(this);
  }

  /** Kills, without waiting, whatever runs in the lab's namespaces, children of children too. */
  killAll() {
    const spaces = new Set(this.#hosts.map((host) => host.space));
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const space = spaceOf(pid);
      if (space !== undefined && spaces.has(space)) kill(Number(pid));
    }
  }
}
