import { describe, expect, it } from "vitest";
import { seconds } from "../../src/shared/duration.ts";
import { changesText, withoutBelief } from "../../src/shared/firewall/changes.ts";
import type { Change } from "../../src/shared/firewall/firewall.ts";
import { listeningPorts } from "../../src/shared/host/proc-net.ts";

const fresh = (set: string, key: string): Change => ({ op: "put", set, key, ttl: seconds(60), fresh: true });

describe("changes in as few commands as nft allows", () => {
  it("creates what is believed to be fresh, all of a set in one command", () => {
    expect(
      changesText([fresh("ssh4", "192.0.2.1"), fresh("web4", "192.0.2.1"), fresh("ssh4", "192.0.2.2")]),
    ).toBe(
      "create element inet knockline ssh4 { 192.0.2.1 timeout 60s0ms, 192.0.2.2 timeout 60s0ms }; " +
        "create element inet knockline web4 { 192.0.2.1 timeout 60s0ms }",
    );
  });

  it("keeps the order where one element is changed twice", () => {
    const drop: Change = { op: "drop", set: "ssh4", key: "192.0.2.1" };
    expect(changesText([fresh("ssh4", "192.0.2.1"), drop])).toMatch(/^create .*; add .*; delete [^;]*$/);
  });

  it("writes what is known not to be fresh after all by add, delete, add", () => {
    expect(changesText(withoutBelief([fresh("ssh4", "192.0.2.1")]))).toMatch(
      /^add .*; delete .*; add .*timeout/,
    );
  });
});

it("ports that are listened on are read without their addresses, TCP and UDP", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 x
   1: 010200C0:0017 320200C0:C350 01 00000000:00000000 02:000A00000 00000000     0        0 222 4 x
 1234: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 333 2 x
  rubbish`;
  expect(listeningPorts(text)).toEqual([0x16, 0x35]);
});
