import { closeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { loadLibC } from "./libc.ts";

/** linux/socket.h, linux/un.h: struct sockaddr_un is the family and at most 108 bytes of path. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const MSG_DONTWAIT_NOSIGNAL = 0x4040;
const EAGAIN = 11;
const PATH = { at: 2, longest: 108 } as const;

/**
 * Opens a way to who started this service, who is told of it by datagrams to a unix socket (sd_notify(3)); Node has no
 * such sockets.
 * @param path as in NOTIFY_SOCKET: absolute, or an abstract name behind an `@`
 * @returns sends lines of `NAME=value`; gives false when there is no room for them now, and throws when they cannot be sent
 * @throws Error where there can be no such socket
 */
export async function openNotifySocket(path: string): Promise<(lines: readonly string[]) => boolean> {
  const name = Buffer.from(path.replace(/^@/, "\0"));
  if (!/^[/@]./.test(path) || name.length >= PATH.longest)
    throw new Error(`NOTIFY_SOCKET=${path} is no path of a unix socket`);
  const { func, errno } = await loadLibC();
  const socket = func("int socket(int, int, int)");
  const sendTo = func("intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)");
  const failed = (): Error => new Error(`${path}: ${getSystemErrorName(-errno())}`);
  const address = Buffer.alloc(PATH.at + name.length);
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, PATH.at);
  return (lines) => {
    const message = Buffer.from(lines.join("\n"));
    const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    if (fd < 0) throw failed();
    try {
      if (sendTo(fd, message, message.length, MSG_DONTWAIT_NOSIGNAL, address, address.length) >= 0)
        return true;
      if (errno() === EAGAIN) return false;
      throw failed();
    } finally {
      closeSync(fd);
    }
  };
}
