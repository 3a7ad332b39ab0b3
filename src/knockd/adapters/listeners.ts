import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Log } from "../../shared/log/log.ts";

/** Whose port it is, for the error that names it. */
export type PortOwners = ReadonlyMap<number, string>;

/** Called for every datagram. `now` in monotonic ms. */
export type OnDatagram = (port: number, source: string, payload: Buffer, now: number) => void;

/**
 * Bytes a socket may hold while we are busy: at the system's default a thousand clients in the same instant lose
 * 60 % of their knocks. The kernel cuts it to net.core.rmem_max.
 */
const RECEIVE_BUFFER = 4 << 20;
/** Sockets bound at once, so that thousands of users do not hold up the event loop. */
const AT_ONCE = 256;

/**
 * UDP sockets on the knock ports, one for each port and listening address. They only ever receive: nothing is
 * sent, so that a bound port answers like one where nobody is.
 */
export class Listeners {
  readonly #addresses: readonly string[];
  readonly #onDatagram: OnDatagram;
  readonly #log: Log;
  // bounded: three ports a user and the decoys, times the listening addresses
  readonly #sockets = new Map<string, Socket>();
  /** What could not be bound, by socket. bounded: as #sockets */
  readonly #problems = new Map<string, string>();
  #lacking = new Set<string>(); // addresses of a family that this host does not have

  constructor(addresses: readonly string[], log: Log, onDatagram: OnDatagram) {
    this.#addresses = addresses;
    this.#onDatagram = onDatagram;
    this.#log = log;
  }

  /** What is wrong now: a sentence for each port that could not be bound. */
  get problems(): string[] {
    return [...this.#problems.values()];
  }

  /** @returns the ports that are bound on at least one address */
  get bound(): number[] {
    return [...new Set([...this.#sockets.keys()].map((key) => Number(key.split(" ")[0])))];
  }

  /** Binds the ports of `owners` and closes all others. Never throws: what cannot be bound is in `problems`. */
  async follow(owners: PortOwners): Promise<void> {
    for (const [key, socket] of this.#sockets) {
      if (!owners.has(Number(key.split(" ")[0]))) {
        this.#sockets.delete(key);
        socket.close();
      }
    }
    this.#problems.clear();
    const missing = [...owners].flatMap(([port, owner]) =>
      this.#addresses.map((address) => ({ port, owner, address })),
    );
    const wanted = missing.filter(({ port, address }) => !this.#sockets.has(`${port} ${address}`));
    for (let at = 0; at < wanted.length; at += AT_ONCE) {
      await Promise.all(
        wanted.slice(at, at + AT_ONCE).map(({ port, owner, address }) => this.#bind(port, address, owner)),
      );
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  async #bind(port: number, address: string, owner: string): Promise<void> {
    if (this.#lacking.has(address)) return;
    const six = address.includes(":");
    const socket = createSocket({
      type: six ? "udp6" : "udp4",
      ipv6Only: six,
      recvBufferSize: RECEIVE_BUFFER,
    });
    try {
      await bound(socket, port, address);
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException, port, address, owner);
      return;
    }
    socket.on("error", (error) =>
      this.#log.warn("a knock socket reported an error", { port, address, message: error.message }),
    );
    socket.on("message", (payload: Buffer, from: RemoteInfo) =>
      this.#onDatagram(port, sourceOf(from), payload, performance.now()),
    );
    this.#sockets.set(`${port} ${address}`, socket);
  }

  #failed(error: NodeJS.ErrnoException, port: number, address: string, owner: string): void {
    if (error.code === "EAFNOSUPPORT" || (error.code === "EADDRNOTAVAIL" && address === "::")) {
      if (!this.#lacking.has(address))
        this.#log.warn("this host has no such address family: not listening there", { address });
      this.#lacking.add(address);
      return;
    }
    const why = error.code === "EADDRINUSE" ? "another program has it" : (error.code ?? error.message);
    const problem = `${owner}: UDP port ${port} on ${address} cannot be bound: ${why}`;
    this.#problems.set(`${port} ${address}`, problem);
    this.#log.error("a knock port cannot be bound; the others go on", { owner, port, address, why });
  }
}

function bound(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners("error");
      resolve();
    });
  });
}

/** IPv4-mapped addresses are folded; a link-local source keeps its zone, and is then refused as an address. */
function sourceOf({ address }: RemoteInfo): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
