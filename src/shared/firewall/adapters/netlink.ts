import { closeSync, openSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { loadLibC } from "../../host/adapters/libc.ts";
import { HostError } from "../../host/failure.ts";
import { FIREWALL_CURES } from "../failure.ts";
import { FirewallError } from "../firewall.ts";

/** linux/net.h, linux/netlink.h, sched.h. */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 0o2000003;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const MSG_DONTWAIT = 0x40;
const CLONE_NEWNET = 0x40000000;
const EAGAIN = 11;
const ENOBUFS = 105;

/** A transaction must fit into the socket's buffer: room for some 200,000 changes. */
const SEND_BUFFER = 64 << 20;
/** The kernel makes datagrams of at most 32 KiB for whoever reads that much at a time. */
const RECEIVE = 64 << 10;

/** The functions of the C library that we need, and its errno. */
interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number;
  send(fd: number, bytes: Buffer, length: number, flags: number): number;
  recv(fd: number, bytes: Buffer, length: number, flags: number): number;
  setns(fd: number, kind: number): number;
  errno(): number;
}

let calls: Calls | undefined;

async function loadCalls(): Promise<Calls> {
  const { func, errno } = await loadLibC();
  return {
    socket: func("int socket(int, int, int)"),
    setsockopt: func("int setsockopt(int, int, int, const void *, uint32_t)"),
    send: func("intptr_t send(int, const void *, size_t, int)"),
    recv: func("intptr_t recv(int, void *, size_t, int)"),
    setns: func("int setns(int, int)"),
    errno,
  };
}

/**
 * A socket to the packet filter (netlink(7)). The kernel does what it is asked within `send`, so that its answer is
 * there when that returns: nothing here waits.
 */
export class NetlinkSocket {
  readonly #calls: Calls;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(RECEIVE);

  private constructor(c: Calls, fd: number) {
    this.#calls = c;
    this.#fd = fd;
  }

  /**
   * @param netns a network namespace's file, e.g. `/proc/4711/ns/net`; default: this process's own
   * @throws FirewallError
   */
  static async open(netns?: string): Promise<NetlinkSocket> {
    calls ??= await loadCalls().catch((error) => {
      throw error instanceof HostError ? new FirewallError(error.message, error.cure) : error;
    });
    const c = calls;
    const fd = netns === undefined ? socketOf(c) : within(c, netns, () => socketOf(c));
    return new NetlinkSocket(c, fd);
  }

  /** Sends a request. @throws FirewallError */
  send(bytes: Buffer): void {
    if (this.#calls.send(this.#fd, bytes, bytes.length, 0) < 0) throw failed(this.#calls, "cannot be asked");
  }

  /** @returns the next datagram of the kernel's answer, the caller's own; undefined when there is none. @throws FirewallError */
  receive(): Buffer | undefined {
    for (;;) {
      const length = this.#calls.recv(this.#fd, this.#buffer, RECEIVE, MSG_DONTWAIT);
      if (length >= 0) return Buffer.from(this.#buffer.subarray(0, length));
      const errno = this.#calls.errno();
      if (errno === EAGAIN) return undefined;
      // more errors than the socket has room for: the first of them are there
      if (errno !== ENOBUFS) throw failed(this.#calls, "does not answer");
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function socketOf(c: Calls): number {
  const fd = c.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) throw failed(c, "cannot be reached");
  // both may fail: smaller transactions and longer answers work all the same
  const option = (level: number, name: number, value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    c.setsockopt(fd, level, name, bytes, bytes.length);
  };
  option(SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER);
  option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
  return fd;
}

/** Does something with this thread in another network namespace (setns(2)); a socket stays where it was made. */
function within<T>(c: Calls, netns: string, task: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  const there = openSync(netns, "r");
  try {
    if (c.setns(there, CLONE_NEWNET) < 0) throw failed(c, `in ${netns} cannot be reached`);
    return task();
  } finally {
    c.setns(home, CLONE_NEWNET);
    closeSync(there);
    closeSync(home);
  }
}

const failed = (c: Calls, what: string): FirewallError =>
  new FirewallError(
    `the packet filter ${what}: ${getSystemErrorName(-c.errno())}`,
    `${FIREWALL_CURES.denied}; look at dmesg`,
  );
