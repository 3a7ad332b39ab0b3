/** A record's bytes as libpcap wrote them, or why the stream makes no sense (a sentence for people). */
export type PcapRead =
  | { readonly ok: true; readonly state: PcapState; readonly records: readonly Buffer[] }
  | { readonly ok: false; readonly fault: string };

/** Where a reader is in its stream: plain data, so that the reader is a function. */
export interface PcapState {
  /** Whether the file header has been read. */
  readonly begun: boolean;
  /** What came after the last whole record. */
  // bounded: less than one record of MAX_RECORD bytes and its header
  readonly rest: Buffer;
}

/** A reader that has read nothing yet. */
export const PCAP_START: PcapState = { begun: false, rest: Buffer.alloc(0) };

// The protocol: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** Microseconds and nanoseconds, in the byte order of amd64 and arm64. */
const MAGICS: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];
const VERSION_MAJOR = 2;
/** LINKTYPE_NFLOG: https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html */
const LINKTYPE_NFLOG = 239;

/** Ours: 128 bytes of a packet and some TLVs come to 250. Whoever announces more is not our tcpdump. */
const MAX_RECORD = 4_096;

/**
 * Reads the next piece of a pcap stream, split at any byte. Never throws; after a fault there is nothing to resume.
 * @param state what the last call gave, or PCAP_START
 * @returns the records that are whole now; they share the piece's memory
 */
export function readPcap(state: PcapState, piece: Buffer): PcapRead {
  const bytes = state.rest.length === 0 ? piece : Buffer.concat([state.rest, piece]);
  if (state.begun) return readRecords(bytes, 0);
  if (bytes.length < FILE_HEADER) return { ok: true, state: { begun: false, rest: bytes }, records: [] };
  const fault = headerFault(bytes);
  return fault === undefined ? readRecords(bytes, FILE_HEADER) : { ok: false, fault };
}

function readRecords(bytes: Buffer, from: number): PcapRead {
  const records: Buffer[] = [];
  let at = from;
  while (bytes.length - at >= RECORD_HEADER) {
    const length = bytes.readUInt32LE(at + 8);
    if (length > MAX_RECORD) return { ok: false, fault: `a record of ${length} bytes` };
    const end = at + RECORD_HEADER + length;
    if (end > bytes.length) break;
    records.push(bytes.subarray(at + RECORD_HEADER, end));
    at = end;
  }
  return { ok: true, state: { begun: true, rest: bytes.subarray(at) }, records };
}

function headerFault(bytes: Buffer): string | undefined {
  if (!MAGICS.includes(bytes.readUInt32LE(0))) return "not a pcap stream of this machine";
  if (bytes.readUInt16LE(4) !== VERSION_MAJOR) return `pcap version ${bytes.readUInt16LE(4)}`;
  const linkType = bytes.readUInt32LE(20);
  return linkType === LINKTYPE_NFLOG ? undefined : `link type ${linkType}`;
}
