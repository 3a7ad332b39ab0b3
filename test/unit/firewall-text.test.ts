import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import { changesProblem, changesText } from "../../src/shared/firewall/changes.ts";
import { failureFrom } from "../../src/shared/firewall/failure.ts";
import type { Change } from "../../src/shared/firewall/firewall.ts";
import { readListing } from "../../src/shared/firewall/listing.ts";
import { readMonitorLine } from "../../src/shared/firewall/monitor-line.ts";
import { OwnWrites } from "../../src/shared/firewall/own-writes.ts";
import { readSets } from "../../src/shared/firewall/set-json.ts";

const put = (key: string, ttl = seconds(60), comment?: string): Change =>
  ({ op: "put", set: "ssh4", key, ttl, ...(comment === undefined ? {} : { comment }) }) as Change;

describe("changes as text", () => {
  it("puts by add, delete, add, so that the time left is the one asked for whatever was there", () => {
    expect(changesText([put("192.0.2.1", seconds(60), "anna g12")])).toBe(
      "add element inet knockline ssh4 { 192.0.2.1 }; " +
        "delete element inet knockline ssh4 { 192.0.2.1 }; " +
        'add element inet knockline ssh4 { 192.0.2.1 timeout 60s0ms comment "anna g12" }',
    );
  });

  it("drops by add, delete, so that what is not there is no error", () => {
    expect(changesText([{ op: "drop", set: "ssh4", key: "192.0.2.1" }])).toBe(
      "add element inet knockline ssh4 { 192.0.2.1 }; delete element inet knockline ssh4 { 192.0.2.1 }",
    );
  });

  it("takes off the time that a change waited, and never writes a time-out of 0, which is for ever", () => {
    expect(changesText([put("192.0.2.1", seconds(2))], milliseconds(500.7))).toContain("timeout 1s499ms");
    expect(changesText([put("192.0.2.1", seconds(2))], seconds(3))).toContain("timeout 0s1ms");
  });

  it("lets nothing through that could be read as another command", () => {
    const text = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    fc.assert(
      fc.property(text, text, text, (set, key, comment) => {
        const change: Change = { op: "put", set, key, ttl: seconds(1), comment };
        const free = { ...change, set: "ssh4", key: "192.0.2.1" };
        expect(changesText([free])).toMatch(/^[^"\n]*"[A-Za-z0-9 ._:/-]{0,128}" \}$/);
        if (changesProblem([change]) !== undefined) return;
        expect(`${set} ${key}`).toMatch(/^[a-z][a-z0-9_]* [0-9a-f.: ipv]+$/);
      }),
    );
  });

  it("refuses names, which nft would ask the resolver for", () => {
    for (const key of [
      "example.com",
      "192.0.2.300",
      "192.0.2",
      "fe80::1%eth0",
      "192.0.2.1/32",
      "ssh",
      "65536",
      "",
    ]) {
      expect(changesProblem([put(key)]), key).toContain("not an element's key");
    }
  });
});

describe("what nft says", () => {
  it("is told apart by why it failed", () => {
    const said: [string, string][] = [
      ["Error: No such file or directory\nadd element ...", "missing"],
      ["internal:0:0-0: Error: No such file or directory; did you mean table?", "missing"],
      ["Error: Could not process rule: Too many open files in system\nx", "full"],
      ["Error: Could not process rule: Operation not permitted (you must be root)", "denied"],
      ["Error: Could not process rule: File exists", "refused"],
      ["", "refused"],
    ];
    for (const [stderr, why] of said) expect(failureFrom(stderr), stderr).toMatchObject({ ok: false, why });
    expect(failureFrom("Error: \u001b[31mhm\nadd").message).toBe("nft: [31mhm".replace("[", " ["));
  });

  it("about other people's tables is not ours", () => {
    expect(readListing("table inet other {\n}\n")).toBeUndefined();
    expect(readListing("table inet knockline_x {\n}\n")).toBeUndefined();
    const text =
      'table inet a {\n}\ntable inet knockline {\n\tcomment "knockline /x"\n\tset s4 {\n\t}\n}\ntable inet z {\n\tset no {\n\t}\n}\n';
    expect(readListing(text)).toMatchObject({
      owner: "/x",
      names: { sets: ["s4"], chains: [], counters: [] },
    });
  });

  it("about counters changes the drops and not the fingerprint", () => {
    const table = (n: number): string =>
      `table inet knockline {\n\tcounter k_rate {\n\t\tpackets ${n} bytes ${n * 60}\n\t}\n}\n`;
    expect(readListing(table(7))?.drops).toEqual({ scanner: 0, rate: 7, global: 0 });
    expect(readListing(table(7))?.fingerprint).toBe(readListing(table(8))?.fingerprint);
  });

  it("about elements is read with times, without, and joined", () => {
    const elem = [
      "192.0.2.1",
      { elem: { val: "192.0.2.2", timeout: 60, expires: 59, comment: "x" } },
      { elem: { val: "192.0.2.3", timeout: 0, expires: 0 } },
      { elem: { val: { concat: ["192.0.2.4", 51234, 22] }, timeout: 60, expires: 1 } },
      { prefix: { addr: "2001:db8::", len: 64 } },
    ];
    const lines = [
      { nftables: [{ metainfo: {} }, { set: { name: "s", elem } }] },
      { nftables: [{ set: { name: "t" } }] },
    ];
    expect(readSets(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`)).toEqual([
      { set: "s", key: "192.0.2.1", ttl: Infinity },
      { set: "s", key: "192.0.2.2", ttl: 59_000, comment: "x" },
      { set: "s", key: "192.0.2.3", ttl: 500 },
      { set: "s", key: "192.0.2.4 . 51234 . 22", ttl: 1_000 },
      { set: "s", key: "2001:db8::/64", ttl: Infinity },
    ]);
  });

  it("while monitored is ours, a generation, a loss, or nothing to us", () => {
    expect(readMonitorLine("delete chain inet knockline guard")).toBe("ours");
    expect(readMonitorLine("delete table inet knockline")).toBe("ours");
    expect(readMonitorLine("add rule ip filter INPUT comment inet knockline")).toBe("other");
    expect(readMonitorLine("# new generation 9 by process 3422 (nft)")).toBe("generation");
    expect(readMonitorLine("# ERROR: We lost some netlink events!")).toBe("lost");
  });
});

describe("own writes", () => {
  it("are reported once each; whatever is reported beyond them is foreign", () => {
    const writes = new OwnWrites();
    writes.sent(0);
    writes.sent(1);
    expect([writes.reported(2), writes.reported(3), writes.reported(4)]).toEqual([false, false, true]);
  });

  it("that are refused unmask the foreign report that was taken for theirs", () => {
    const writes = new OwnWrites();
    writes.sent(0);
    expect(writes.reported(1)).toBe(false);
    expect(writes.refused(2)).toBe(true);
    writes.sent(3);
    expect(writes.refused(4)).toBe(false);
    expect(writes.reported(5)).toBe(true);
  });

  it("excuse nothing that a new monitor reports, when they were sent before it listened", () => {
    const writes = new OwnWrites();
    writes.sent(0);
    writes.forget();
    expect(writes.reported(1)).toBe(true);
  });

  it("excuse nothing that comes more than a second later", () => {
    const writes = new OwnWrites();
    writes.sent(0);
    expect(writes.reported(1_500)).toBe(true);
  });
});
