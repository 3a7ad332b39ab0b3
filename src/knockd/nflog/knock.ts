import type { Knock } from "../tracker.ts";
import { readIp } from "./ip.ts";
import { readNflog } from "./nflog.ts";

const TCP_HEADER = 20;
/** SYN among FIN, SYN, RST and ACK (RFC 9293, 3.1): an answer to us (SYN+ACK) or a stray is no knock. */
const SYN = 0x02;
const JUDGED = 0x17;

/**
 * Reads one record of link type NFLOG as a knock. Never throws, whatever the bytes are.
 * @returns undefined for anything but the first SYN of a connection
 */
export function knockOf(record: Buffer): Knock | undefined {
  const packet = readNflog(record);
  const segment = packet && readIp(packet);
  if (segment === undefined || !isSyn(segment.tcp)) return undefined;
  return { source: segment.source, proto: "tcp", port: segment.tcp.readUInt16BE(2) };
}

function isSyn(tcp: Buffer): boolean {
  if (tcp.length < TCP_HEADER) return false;
  return (tcp[12] ?? 0) >> 4 >= TCP_HEADER / 4 && ((tcp[13] ?? 0) & JUDGED) === SYN;
}
