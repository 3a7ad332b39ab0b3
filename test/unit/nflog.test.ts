import { SocketAddress } from "node:net";
import { describe, expect, it } from "vitest";
import { ipv6Text } from "../../src/knockd/nflog/address-text.ts";
import { Capture } from "../../src/knockd/nflog/capture.ts";
import { knockOf } from "../../src/knockd/nflog/knock.ts";
import { lostBetween } from "../../src/knockd/nflog/losses.ts";
import { PCAP_START, type PcapRead, readPcap } from "../../src/knockd/nflog/pcap.ts";
import { bytes, capture, FILE_HEADER, record, SYN4, SYN6 } from "../helpers/nflog-sample.ts";

/** Feeds a stream in pieces. @returns every record, or the fault */
function readAll(pieces: readonly Buffer[]): Buffer[] | string {
  const records: Buffer[] = [];
  let read: PcapRead = { ok: true, state: PCAP_START, records };
  for (const piece of pieces) {
    read = readPcap(read.state, piece);
    if (!read.ok) return read.fault;
    records.push(...read.records);
  }
  return records;
}

/** Comparing Buffers as such takes a hundred times as long. */
const hexOf = (one: Buffer): string => one.toString("hex");
const hexes = (read: Buffer[] | string): string[] | string =>
  typeof read === "string" ? read : read.map(hexOf);

/** Where the packet begins in SYN4 and SYN6: after 44 bytes of other TLVs and its own header of 4. */
const PACKET = 48;
const TCP4 = PACKET + 20;

function changed(hex: string, at: number, ...values: number[]): Buffer {
  const copy = bytes(hex);
  copy.set(values, at);
  return copy;
}

describe("a pcap stream", () => {
  it("gives the same records wherever it is split", () => {
    const whole = [bytes(SYN4), bytes(SYN6)].map(hexOf);
    for (let at = 0; at <= capture.length; at++)
      expect(hexes(readAll([capture.subarray(0, at), capture.subarray(at)]))).toEqual(whole);
    expect(hexes(readAll([...capture].map((byte) => Buffer.of(byte))))).toEqual(whole);
  });

  it("keeps back what is not whole, and no more than a record's worth", () => {
    expect(readAll([capture.subarray(0, -1)])).toEqual([bytes(SYN4)]);
    const read = readPcap(PCAP_START, capture.subarray(0, -1));
    expect(read.ok && read.state.rest.length).toBe(16 + bytes(SYN6).length - 1);
  });

  it.each([
    ["another magic", changed(FILE_HEADER, 0, 0), /not a pcap stream/],
    ["the other byte order", changed(FILE_HEADER, 0, 0xa1, 0xb2, 0xc3, 0xd4), /not a pcap stream/],
    ["another version", changed(FILE_HEADER, 4, 3), /version 3/],
    ["another link type", changed(FILE_HEADER, 20, 1), /link type 1/],
    [
      "a record that is too large",
      Buffer.concat([bytes(FILE_HEADER), record(Buffer.alloc(4_097))]),
      /4097 bytes/,
    ],
  ])("is given up at %s", (_what, stream, fault) => {
    expect(readAll([stream])).toMatch(fault);
  });
});

describe("a logged packet", () => {
  it("is a knock when it is a SYN, over IPv4 and IPv6", () => {
    expect(knockOf(bytes(SYN4))).toEqual({ source: "10.0.0.1", proto: "tcp", port: 7001 });
    expect(knockOf(bytes(SYN6))).toEqual({ source: "2001:db8::1", proto: "tcp", port: 7002 });
  });

  it("is one with the congestion flags of a modern client", () => {
    expect(knockOf(changed(SYN4, TCP4 + 13, 0xc2))).toMatchObject({ port: 7001 });
  });

  it("is one behind extension headers, and not behind more than five", () => {
    const behind = (count: number): Buffer => {
      const data = bytes(SYN6);
      const packet = data.subarray(PACKET);
      packet[6] = 60; // destination options
      const extensions = Array.from({ length: count }, (_, i) =>
        Buffer.of(i === count - 1 ? 6 : 60, 0, 1, 4, 0, 0, 0, 0),
      );
      const all = Buffer.concat([packet.subarray(0, 40), ...extensions, packet.subarray(40)]);
      const tlv = Buffer.of(all.length + 4, 0, 9, 0);
      return Buffer.concat([data.subarray(0, PACKET - 4), tlv, all]);
    };
    expect(knockOf(behind(1))).toMatchObject({ source: "2001:db8::1", port: 7002 });
    expect(knockOf(behind(5))).toMatchObject({ port: 7002 });
    expect(knockOf(behind(6))).toBeUndefined();
  });

  it.each([
    ["SYN+ACK", changed(SYN4, TCP4 + 13, 0x12)],
    ["RST", changed(SYN4, TCP4 + 13, 0x04)],
    ["SYN+FIN", changed(SYN4, TCP4 + 13, 0x03)],
    ["UDP", changed(SYN4, PACKET + 9, 17)],
    ["a later fragment", changed(SYN4, PACKET + 6, 0, 1)],
    ["a TCP header that is too short", changed(SYN4, TCP4 + 12, 0x40)],
    ["an IP header that is too short", changed(SYN4, PACKET, 0x44)],
    ["IPv6 under IPv4's name", changed(SYN4, PACKET, 0x65)],
    ["a family that is neither", changed(SYN4, 0, 7)],
    ["another version of the record", changed(SYN4, 1, 1)],
    ["a TLV that ends after the record", changed(SYN4, 4, 0xff)],
    ["a TLV shorter than its own header", changed(SYN4, 4, 3)],
    ["no packet", bytes(SYN4).subarray(0, PACKET - 4)],
    ["IPv4 in an IPv6 coat", changed(SYN6, PACKET + 8, ...Array(10).fill(0), 0xff, 0xff)],
  ])("is none with %s", (_what, data) => {
    expect(knockOf(data)).toBeUndefined();
  });

  it("is none when it is cut anywhere before the end of the TCP header", () => {
    for (const [hex, end] of [
      [SYN4, TCP4 + 20],
      [SYN6, PACKET + 40 + 20],
    ] as const) {
      for (let length = 0; length < end; length++) {
        const data = bytes(hex).subarray(0, length);
        if (length >= PACKET) data.writeUInt16LE(length - PACKET + 4, PACKET - 4);
        expect(knockOf(data)).toBeUndefined();
      }
    }
  });
});

describe("a tcpdump's life", () => {
  const listening = "tcpdump: listening on nflog:19276, link-type NFLOG, snapshot length 262144 bytes\n";

  it("gives its knocks, and begins with the stream's header", () => {
    const life = new Capture();
    expect(life.begun).toBe(false);
    expect(life.read(capture.subarray(0, 24))).toEqual([]);
    expect(life.begun).toBe(true);
    expect(life.read(capture.subarray(24))).toMatchObject([{ port: 7001 }, { port: 7002 }]);
  });

  it("loses what the kernel reported and nobody read, between two looks", () => {
    const before = { reported: 100, read: 40 };
    expect(lostBetween(before, { reported: 1_100, read: 740 })).toBe(300);
    expect(lostBetween(before, { reported: 1_100, read: 940 })).toBe(0); // on their way
    expect(lostBetween(before, { reported: 103, read: 40 })).toBe(3); // not one was read
    expect(lostBetween(before, { reported: 150, read: 91 })).toBe(0);
    expect(lostBetween(undefined, { reported: 150, read: 0 })).toBe(0);
    expect(lostBetween(before, { reported: 3, read: 40 })).toBe(0); // a new table counts from 0
  });

  it("tells why it ended: its complaint, or a stream that makes no sense", () => {
    const refused = new Capture();
    refused.hear(`${listening}tcpdump: Can't listen on group index: Operation not permitted\n`);
    expect(refused.why).toBe("tcpdump: Can't listen on group index: Operation not permitted");
    const killed = new Capture();
    killed.hear(listening);
    expect(killed.why).toBe("tcpdump ended");
    const garbled = new Capture();
    expect(garbled.read(Buffer.alloc(24))).toBeUndefined();
    expect(garbled.read(capture)).toBeUndefined();
    expect(garbled.why).toMatch(/not a pcap stream/);
  });
});

it("IPv6 sources are written as dgram writes them, so that UDP and TCP are one source's", () => {
  for (const text of [
    "2001:db8::1",
    "0:0:1:0:0:2:3:4",
    "1:0:0:2:0:0:3:4",
    "1:0:2:3:4:5:6:7",
    "1::",
    "::2:3:4:5",
  ]) {
    const { address } = new SocketAddress({ address: text, family: "ipv6" });
    const words = text.split("::").map((half) => (half === "" ? [] : half.split(":")));
    const [front = [], back] = words;
    const all =
      back === undefined ? front : [...front, ...Array(8 - front.length - back.length).fill("0"), ...back];
    const buffer = Buffer.from(all.map((word) => word.padStart(4, "0")).join(""), "hex");
    expect(ipv6Text(buffer)).toBe(address);
  }
  for (const none of ["", "01", "ffff01020304", "01020304"])
    expect(ipv6Text(Buffer.from(none.padStart(32, "0"), "hex"))).toBeUndefined();
});
