import { strict as assert } from "node:assert";
import { isIP } from "node:net";
import { Capture } from "../../src/knockd/nflog/capture.ts";
import { knockOf } from "../../src/knockd/nflog/knock.ts";
import type { Knock } from "../../src/knockd/tracker.ts";
import { capture, bytes as fromHex, record, SYN4, SYN6 } from "../helpers/nflog-sample.ts";
import { assertPrintable, target } from "./target.ts";

function assertKnock({ source, proto, port }: Knock): void {
  assert.notEqual(isIP(source), 0);
  assert.ok(proto === "tcp" && port >= 0 && port <= 65_535);
}

export const nflog = target({
  name: "nflog",
  seeds: () => [SYN4, SYN6].map(fromHex),
  words: ["\x04\0\x09\0", "\x40\0\x09\0", "\x2c\0", "\x45\0", "\x60\0", "\x3c", "\x02", "\x0a"],
  run: knockOf,
  holds: (knock) => {
    if (knock !== undefined) assertKnock(knock);
  },
});

/** Every knock that a stream in pieces of that size holds, and why it was given up, if it was. */
function readAll(stream: Buffer, size: number): { knocks: Knock[]; fault: string | null } {
  const reader = new Capture();
  const knocks: Knock[] = [];
  for (let at = 0; at < stream.length; at += size) {
    const read = reader.read(stream.subarray(at, at + size));
    if (read === undefined) return { knocks, fault: reader.why };
    knocks.push(...read.filter((knock) => knock !== undefined));
  }
  return { knocks, fault: null };
}

export const pcapStream = target({
  name: "pcap-stream",
  seeds: () => [capture, Buffer.concat([capture, record(fromHex(SYN4)), record(Buffer.alloc(0))])],
  run: (stream) => [stream.length + 1, 7, 333].map((size) => readAll(stream, size)),
  holds: ([whole, ...pieces]) => {
    if (whole === undefined) return;
    whole.knocks.forEach(assertKnock);
    for (const one of pieces) {
      assert.equal(one.fault, whole.fault);
      // a stream that is given up gives the knocks before its fault or not, as they happened to come
      if (whole.fault === null) assert.deepEqual(one.knocks, whole.knocks);
    }
    if (whole.fault !== null) assertPrintable(whole.fault);
  },
});

export const tcpdumpWords = target({
  name: "tcpdump-words",
  seeds: () => [
    "tcpdump: listening on nflog:4711, link-type NFLOG (Linux netfilter log messages), snapshot length 262144 bytes\n",
    "12 packets captured\n12 packets received by filter\n3 packets dropped by kernel\n",
    "tcpdump: nflog:4711: You don't have permission to capture on that device\n",
  ],
  words: ["tcpdump: ", "\n", "4 packets dropped by kernel", "9999999999999"],
  run: (words) => {
    const reader = new Capture();
    reader.hear(words.toString());
    return reader.why;
  },
  holds: (why) => {
    assertPrintable(why);
    assert.ok(why.length <= 200);
  },
});
