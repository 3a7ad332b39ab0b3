import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import type { Change, Element } from "../../src/shared/firewall/firewall.ts";
import { changeRequest, elementsIn } from "../../src/shared/firewall/netlink/elements.ts";
import { keyBytes, keyText } from "../../src/shared/firewall/netlink/key-bytes.ts";
import { messagesIn, WireError, Writer } from "../../src/shared/firewall/netlink/wire.ts";

const IPV4 = 7;
const KNOWN = { late: milliseconds(0), areNew: false };
const put = (key: string, ttl = seconds(60), comment?: string): Change =>
  ({ op: "put", set: "ssh4", key, ttl, ...(comment === undefined ? {} : { comment }) }) as Change;

/** What a request says, read as the kernel's own listing would be. */
function said(changes: readonly Change[], areNew = false): { types: number[]; elements: Element[] } {
  const messages = messagesIn(changeRequest(changes, { late: milliseconds(0), areNew }, 1).bytes);
  return {
    types: messages.map(({ type }) => type),
    elements: messages.flatMap((message) => elementsIn(message, "ssh4", IPV4)),
  };
}

const [BEGIN, END, ADD, DELETE] = [0x10, 0x11, 0xa0c, 0xa0e];

describe("changes as netlink messages", () => {
  it("put by add, delete, add, so that the time left is the one asked for whatever was there", () => {
    expect(said([put("192.0.2.1")]).types).toEqual([BEGIN, ADD, DELETE, ADD, END]);
  });

  it("put by one message what is believed to be new, which the kernel refuses where it is there", () => {
    expect(said([put("192.0.2.1")], true).types).toEqual([BEGIN, ADD, END]);
    const [, create] = messagesIn(changeRequest([put("192.0.2.1")], { ...KNOWN, areNew: true }, 1).bytes);
    expect((create?.flags ?? 0) & 0x200).toBe(0x200); // NLM_F_EXCL
  });

  it("drop by add, delete, so that what is not there is no error", () => {
    expect(said([{ op: "drop", set: "ssh4", key: "192.0.2.1" }]).types).toEqual([BEGIN, ADD, DELETE, END]);
  });

  it("share messages where they do the same to one set, and to no element twice", () => {
    const many = Array.from({ length: 700 }, (_, n) => put(`10.0.${n >> 8}.${n & 255}`));
    const { types, elements } = said(many, true);
    expect(types).toEqual([BEGIN, ADD, ADD, ADD, END]);
    expect(elements.map(({ key }) => key)).toEqual(many.map(({ key }) => key));
    expect(said([put("192.0.2.1"), put("192.0.2.1")], true).types).toEqual([BEGIN, ADD, ADD, END]);
    const drop: Change = { op: "drop", set: "ssh4", key: "192.0.2.1" };
    expect(said([put("192.0.2.1"), drop], true).types).toEqual([BEGIN, ADD, ADD, DELETE, END]);
  });

  it("fit into a message with the longest comments and keys", () => {
    const key = "2001:db8:1111:2222:3333:4444:5555:6666 . 51234 . 65535";
    const many = Array.from({ length: 300 }, () => put(key, seconds(60), "x".repeat(128)));
    const distinct = many.map((change, n) => ({ ...change, key: key.replace("6666", n.toString(16)) }));
    expect(messagesIn(changeRequest(distinct, { ...KNOWN, areNew: true }, 1).bytes)).toHaveLength(3);
  });

  it("are numbered one by one, and the last of them asks for an answer", () => {
    const { bytes, last } = changeRequest(
      [put("192.0.2.1"), { ...put("192.0.2.2"), set: "web4" }],
      KNOWN,
      40,
    );
    const messages = messagesIn(bytes);
    expect(messages.map(({ sequence }) => sequence)).toEqual([40, 41, 42, 43, 44, 45, 46, 47]);
    expect(messages.filter(({ flags }) => flags & 4).map(({ sequence }) => sequence)).toEqual([last]);
    expect(last).toBe(46);
  });

  it("are byte for byte those of nft for the same element", () => {
    // nft --debug=mnl of: add element inet knockline ssh4 { 192.0.2.1 timeout 1m }
    const [, , , whole] = messagesIn(changeRequest([put("192.0.2.1")], KNOWN, 1).bytes);
    expect(whole?.body.toString("hex")).toBe(
      "01000000" + // nfgenmsg: inet
        "0e000100" +
        Buffer.from("knockline\0").toString("hex") +
        "0000" +
        "09000200" +
        Buffer.from("ssh4\0").toString("hex") +
        "000000" +
        "20000380" +
        "1c000180" +
        "0c000180" +
        "08000100" +
        "c0000201" + // list, element, key, value
        "0c000400" +
        "000000000000ea60", // time-out, ms
    );
  });

  it("take off the time that they waited, and never write a time-out that may count as none", () => {
    const timeout = (late: number): string =>
      changeRequest([put("192.0.2.1", seconds(2))], { ...KNOWN, late: milliseconds(late) }, 1).bytes.toString(
        "hex",
      );
    expect(timeout(500.7)).toContain(`0c000400${(1_499).toString(16).padStart(16, "0")}`);
    expect(timeout(3_000)).toContain(`0c000400${(10).toString(16).padStart(16, "0")}`);
  });

  it("carry a comment as nft notes it", () => {
    const [, , , whole] = messagesIn(changeRequest([put("192.0.2.1", seconds(1), 'a "b"')], KNOWN, 1).bytes);
    expect(whole && elementsIn(whole, "ssh4", IPV4)[0]?.comment).toBe("a _b_");
  });
});

describe("keys", () => {
  it("are read as they were written, of every type", () => {
    const ADDRESS_PORTS = ((8 * 64 + 13) * 64 + 13) >>> 0;
    const types: [number, string][] = [
      [IPV4, "192.0.2.1"],
      [8, "2001:db8::1"],
      [13, "7001"],
      [2, "ipv6"],
      [ADDRESS_PORTS, "2001:db8::1 . 51234 . 22"],
    ];
    for (const [type, key] of types) expect(keyText(type, keyBytes(key))).toBe(key);
  });

  it("that are not ours are told by their bytes, and lead back to them", () => {
    const mapped = Buffer.from("00000000000000000000ffffc0000201", "hex");
    expect(keyText(8, mapped)).toBe("0x00000000000000000000ffffc0000201");
    expect(keyBytes(keyText(8, mapped))).toEqual(mapped);
    expect(keyText(41, Buffer.from("wg0\0"))).toBe("0x77673000");
    expect(keyText(IPV4, Buffer.from([1, 2]))).toBe("0x0102");
  });
});

describe("the kernel's bytes", () => {
  it("that are cut short or lie about their length are refused, whatever they are", () => {
    const whole = Buffer.from(changeRequest([put("192.0.2.1")], KNOWN, 1).bytes);
    expect(() => messagesIn(whole.subarray(0, whole.length - 1))).toThrow(WireError);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        try {
          for (const message of messagesIn(bytes)) elementsIn(message, "ssh4", IPV4);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });

  it("are never asked for in an attribute that is too long for its length", () => {
    expect(() => new Writer().attribute(1, Buffer.alloc(0x10000))).toThrow(WireError);
  });
});
