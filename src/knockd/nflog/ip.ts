import { ipv4Text, ipv6Text } from "./address-text.ts";
import type { LoggedPacket } from "./nflog.ts";

/** What is in an IP packet: who sent it, and its TCP segment as far as it was logged. */
export interface Segment {
  /** As dgram writes it, so that UDP and TCP knocks of one source are one source's. */
  readonly source: string;
  readonly tcp: Buffer;
}

const TCP = 6;

const IPV4_HEADER = 20;
const IPV4_FRAGMENT_OFFSET = 0x1fff;

const IPV6_HEADER = 40;
/** Hop-by-hop, routing, destination options: a length in units of eight bytes without the first. */
const OPTIONS: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;
const FRAGMENT_HEADER = 8;
const IPV6_FRAGMENT_OFFSET = 0xfff8;
/** Each once (RFC 8200, 4.1), destination options twice: more are nobody's honest knock. */
const MOST_EXTENSIONS = 5;

/** @returns the TCP segment of a packet; undefined for other protocols, later fragments and what is cut short. Never throws. */
export function readIp({ family, bytes }: LoggedPacket): Segment | undefined {
  return family === 4 ? readIpv4(bytes) : readIpv6(bytes);
}

/** RFC 791. */
function readIpv4(packet: Buffer): Segment | undefined {
  if (packet.length < IPV4_HEADER || (packet[0] ?? 0) >> 4 !== 4) return undefined;
  const header = ((packet[0] ?? 0) & 15) * 4;
  if (header < IPV4_HEADER || header > packet.length) return undefined;
  if (packet[9] !== TCP || (packet.readUInt16BE(6) & IPV4_FRAGMENT_OFFSET) !== 0) return undefined;
  return { source: ipv4Text(packet.subarray(12, 16)), tcp: packet.subarray(header) };
}

/** RFC 8200. */
function readIpv6(packet: Buffer): Segment | undefined {
  if (packet.length < IPV6_HEADER || (packet[0] ?? 0) >> 4 !== 6) return undefined;
  const tcp = afterExtensions(packet);
  const source = ipv6Text(packet.subarray(8, 24));
  return tcp === undefined || source === undefined ? undefined : { source, tcp };
}

function afterExtensions(packet: Buffer): Buffer | undefined {
  let next = packet[6];
  let at = IPV6_HEADER;
  for (let count = 0; next !== TCP; count++) {
    const length = extensionLength(packet, next, at);
    if (length === undefined || at + length > packet.length || count === MOST_EXTENSIONS) return undefined;
    next = packet[at];
    at += length;
  }
  return packet.subarray(at);
}

/** @returns the length in bytes of the extension header at `at`; undefined for one that no TCP segment follows */
function extensionLength(packet: Buffer, kind: number | undefined, at: number): number | undefined {
  if (kind === undefined || at + FRAGMENT_HEADER > packet.length) return undefined;
  if (OPTIONS.includes(kind)) return ((packet[at + 1] ?? 0) + 1) * 8;
  if (kind !== FRAGMENT || (packet.readUInt16BE(at + 2) & IPV6_FRAGMENT_OFFSET) !== 0) return undefined;
  return FRAGMENT_HEADER;
}
