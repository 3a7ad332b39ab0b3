/** What tcpdump 4.99.3 (libpcap 1.10.3) wrote of two SYNs: 10.0.0.1 to port 7001, 2001:db8::1 to port 7002. */
export const FILE_HEADER = "d4c3b2a1020004000000000000000000 00000400ef000000";
export const SYN4 = `02004b4c 08000100 08000300 05000a00 00000000 08000500 00000001 08000b00 00000000 08000e00 00000000
  40000900 4500003c2c5940004006fa610a0000010a000001 a12e1b59f3a9827300000000a002ffd714300000
  0204ffd70402080ae553413e000000000103030a`;
export const SYN6 = `0a004b4c 08000100 86dd0300 05000a00 00000000 08000500 00000001 08000b00 00000000 08000e00 00000000
  54000900 600364b2002806402001 0db8000000000000000000000001 20010db8000000000000000000000001
  e2b61b5acc3c5c9900000000a002ffc45ba20000 0204ffc40402080ac7430a56000000000103030a`;

/** @returns the bytes that are written in hex, blanks left out */
export const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ""), "hex");

/** A record of a pcap stream, with the header that libpcap puts before it. */
export function record(data: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(data.length, 8);
  header.writeUInt32LE(data.length, 12);
  return Buffer.concat([header, data]);
}

/** The whole stream. */
export const capture = Buffer.concat([bytes(FILE_HEADER), record(bytes(SYN4)), record(bytes(SYN6))]);
