import { describe, expect, it } from "vitest";
import {
  familyOf,
  isPrefix,
  kindOf,
  parseAddress,
  parseGrantAddress,
  prefix64,
} from "../../src/shared/address.ts";
import { formatDuration, hours, minutes, parseDuration, seconds } from "../../src/shared/duration.ts";
import { parseProcNet } from "../../src/shared/host/proc-net.ts";

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
};

describe("an address", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["::1", "::1"],
  ])("%s is written %s", (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
  });

  it.each([
    "",
    "a",
    "192.0.2",
    "192.0.2.256",
    "0x7f.0.0.1",
    "1.2.3.4.5",
    "::1.2.3.4",
    "fe80::1%eth0",
    "2001:db8::/64",
    "1.2.3.4 ",
    "1:2:3:4:5:6:7:8:9",
    "9".repeat(50),
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it("may be a /64 for a grant, and no other prefix", () => {
    expect(parseGrantAddress("2001:db8:1:2:3::4/64")).toBe("2001:db8:1:2::/64");
    expect(parseGrantAddress("192.0.2.1/32")).toBe("192.0.2.1");
    for (const text of ["2001:db8::/48", "192.0.2.0/24", "192.0.2.1/64", "2001:db8::/64/64"])
      expect(parseGrantAddress(text)).toBeUndefined();
    expect(isPrefix(prefix64(address("2001:db8::1")))).toBe(true);
    expect(prefix64(address("192.0.2.1"))).toBe("192.0.2.1");
    expect(familyOf(address("2001:db8::1"))).toBe(6);
  });

  it.each([
    ["8.8.8.8", "public"],
    ["10.1.2.3", "private"],
    ["100.64.0.1", "private"],
    ["fd00::1", "private"],
    ["127.1.2.3", "loopback"],
    ["0.1.2.3", "unspecified"],
    ["255.255.255.255", "broadcast"],
    ["239.1.1.1", "multicast"],
    ["169.254.0.1", "link-local"],
    ["fe80::1", "link-local"],
    ["::", "unspecified"],
    ["9.255.255.255", "public"],
    ["11.0.0.0", "public"],
    ["100.63.255.255", "public"],
    ["100.127.255.255", "private"],
    ["100.128.0.0", "public"],
    ["126.255.255.255", "public"],
    ["128.0.0.0", "public"],
    ["169.253.255.255", "public"],
    ["169.255.0.0", "public"],
    ["172.15.255.255", "public"],
    ["172.16.0.0", "private"],
    ["172.31.255.255", "private"],
    ["172.32.0.0", "public"],
    ["192.167.255.255", "public"],
    ["192.168.0.0", "private"],
    ["192.169.0.0", "public"],
    ["223.255.255.255", "public"],
    ["224.0.0.0", "multicast"],
    ["240.0.0.0", "public"],
    ["255.255.255.254", "public"],
    ["2001:db8::1", "public"],
    ["192.0.2.1", "public"],
  ])("%s is %s", (text, kind) => {
    expect(kindOf(address(text))).toBe(kind);
  });
});

describe("a duration", () => {
  it.each([
    ["90s", seconds(90)],
    ["15m", minutes(15)],
    ["1h30m", minutes(90)],
  ])("%s is read", (text, span) => {
    expect(parseDuration(text)).toBe(span);
  });

  it.each(["", "0s", "5", "1.5h", "-1h", "1w", "400d", " 1h", "1h "])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [seconds(59.9), "59s"],
    [seconds(61), "1m01s"],
    [minutes(59), "59m"],
    [hours(1), "1h"],
    [minutes(65), "1h05m"],
    [hours(76), "3d4h"],
  ])("%d ms is written %s", (span, text) => {
    expect(formatDuration(span)).toBe(text);
  });
});

it("sockets are read from /proc/net, IPv4 and IPv6, whatever state they are in", () => {
  const v4 = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 x
   1: 010200C0:0016 320200C0:C350 01 00000000:00000000 02:000A 00000000     0        0 222 4 x
  rubbish`;
  expect(parseProcNet(v4, "tcp")).toEqual([
    {
      proto: "tcp",
      state: "listen",
      local: { address: "127.0.0.1", port: 22 },
      remote: { address: "0.0.0.0", port: 0 },
      inode: 111,
    },
    {
      proto: "tcp",
      state: "established",
      local: { address: "192.0.2.1", port: 22 },
      remote: { address: "192.0.2.50", port: 50_000 },
      inode: 222,
    },
  ]);
  const v6 = `header
   0: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 333 2 x`;
  expect(parseProcNet(v6, "udp")).toMatchObject([
    { state: "listen", local: { address: "2001:db8::1", port: 53 } },
  ]);
});
