/** An IP packet that the kernel logged, as much of it as `snaplen` lets through. */
export interface LoggedPacket {
  readonly family: 4 | 6;
  readonly bytes: Buffer;
}

// https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html
const HEADER = 4;
const TLV_HEADER = 4;
const VERSION = 0;
/** NFULA_PAYLOAD of linux/netfilter/nfnetlink_log.h */
const PAYLOAD = 9;
/** AF_INET and AF_INET6 of Linux. */
const FAMILIES: Readonly<Record<number, 4 | 6>> = { 2: 4, 10: 6 };

/**
 * Finds the packet in an NFLOG record: family, version and group, then TLVs (length with its header and type in the
 * machine's byte order, padded to four). Never throws.
 * @returns undefined for anything else, and for a record without a packet
 */
export function readNflog(record: Buffer): LoggedPacket | undefined {
  if (record.length < HEADER || record[1] !== VERSION) return undefined;
  const family = FAMILIES[record[0] ?? 0];
  const bytes = findTlv(record, PAYLOAD);
  return family === undefined || bytes === undefined ? undefined : { family, bytes };
}

function findTlv(record: Buffer, wanted: number): Buffer | undefined {
  let at = HEADER;
  while (record.length - at >= TLV_HEADER) {
    const length = record.readUInt16LE(at);
    if (length < TLV_HEADER || at + length > record.length) return undefined;
    if (record.readUInt16LE(at + 2) === wanted) return record.subarray(at + TLV_HEADER, at + length);
    at += (length + 3) & ~3;
  }
  return undefined;
}
