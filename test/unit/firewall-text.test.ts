import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seconds } from "../../src/shared/duration.ts";
import { changesProblem, commentText } from "../../src/shared/firewall/changes.ts";
import { failureFrom, failureOf } from "../../src/shared/firewall/failure.ts";
import type { Change } from "../../src/shared/firewall/firewall.ts";
import { readListing } from "../../src/shared/firewall/listing.ts";
import { readMonitorLine } from "../../src/shared/firewall/monitor-line.ts";
import { mayBePermanent, networkSet } from "../../src/shared/firewall/networks.ts";
import { OwnWrites } from "../../src/shared/firewall/own-writes.ts";
import { isServiceName } from "../../src/shared/firewall/policy.ts";

const put = (key: string, ttl = seconds(60), comment?: string): Change =>
  ({ op: "put", set: "ssh4", key, ttl, ...(comment === undefined ? {} : { comment }) }) as Change;

describe("a service's name", () => {
  const name = fc.stringMatching(/^[as_4]{1,4}$/).filter(isServiceName);
  const plain = (service: string) => [`${service}4`, `${service}6`];
  const networks = (service: string) =>
    ([4, 6] as const).flatMap((family) =>
      [1, 4, 24].map((length) => networkSet(service, { family, length })),
    );

  it("never makes a set of grants pass for one of the allowlist's, which alone may have no end", () => {
    fc.assert(
      fc.property(name, (service) => {
        expect(plain(service).filter(mayBePermanent)).toEqual([]);
        expect(networks(service).every(mayBePermanent)).toBe(true);
      }),
    );
  });

  it("never claims a set of another service", () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        const sets = [one, other].flatMap((service) => [...plain(service), ...networks(service)]);
        expect(new Set(sets).size).toBe(one === other ? sets.length / 2 : sets.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(["a", "ssh", "s4h", "my_web", "abcdefghijklmn"])("may be %s", (good) =>
    expect(isServiceName(good)).toBe(true),
  );

  it.each(["", "_a", "4a", "ssh4", "ssh4_", "a_", "A", "ssh\n", "abcdefghijklmno"])(
    "may not be '%s'",
    (bad) => expect(isServiceName(bad)).toBe(false),
  );
});

describe("changes", () => {
  it("name only sets and keys that could be no other command in nft text", () => {
    const text = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    fc.assert(
      fc.property(text, text, text, (set, key, comment) => {
        expect(commentText(comment)).toMatch(/^[A-Za-z0-9 ._:/-]{0,128}$/);
        if (changesProblem([{ op: "put", set, key, ttl: seconds(1), comment }]) !== undefined) return;
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

describe("what the kernel answers", () => {
  it("is told apart by why it failed", () => {
    const answers = {
      1: "denied",
      2: "missing",
      11: "unavailable",
      17: "refused",
      22: "refused",
      23: "full",
    };
    for (const [errno, why] of Object.entries(answers))
      expect(failureOf(Number(errno))).toMatchObject({ ok: false, why });
    expect(failureOf(23).message).toBe("the packet filter: ENFILE");
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
