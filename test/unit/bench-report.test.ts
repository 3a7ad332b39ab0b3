import { describe, expect, it } from "vitest";
import type { Measurement } from "../../bench/measurements/measurement.mjs";
import { asJson, asMarkdown, asText, type Report } from "../../bench/report.mjs";

const opening: Measurement = {
  name: "opening",
  title: "Knock to open",
  method: "By hand.",
  contestants: [],
  counts: { quick: 1, usual: 1, full: 1 },
  columns: [
    { key: "opened", head: "opened" },
    { key: "ms", head: "p50 ms", digits: 1, compare: true },
    { key: "closes", head: "closes" },
  ],
  measure: async () => [],
};

const machine = {
  ...{ cores: 2, cpu: "a processor", memory_gib: 8, kernel: "6.18", node: "v20.19.0", nftables: "1.0.6" },
  ...{ load: 3, busy_percent: 90 },
};

const report: Report = {
  at: "2026-01-01T00:00:00.000Z",
  size: "quick",
  machine,
  results: [
    {
      measurement: opening,
      seconds: 1,
      rows: [
        { contestant: "knockline", case: "at rest", opened: "2/2", ms: 2, closes: true },
        { contestant: "a peer", case: "at rest", opened: "2/2", ms: 30, closes: false },
        { contestant: "a peer", case: "in a flood", opened: "0/2", ms: null },
      ],
    },
  ],
  leftOut: [{ contestant: "another", why: "no another here" }],
  missed: ["too slow"],
};

describe("the report of the benchmarks", () => {
  it("is a table with ratios to knockline in the same case, then what to know about it", () => {
    expect(asText(report)).toBe(`Knock to open

when        who        opened      p50 ms  closes
at rest     knockline     2/2         2.0     yes
            a peer        2/2  30.0 (15x)      no
in a flood  a peer        0/2           -       -

2 cores (a processor), 8 GiB, Linux 6.18, Node v20.19.0, nftables 1.0.6
(Nx): so many times knockline's figure.
Left out: another (no another here).
The machine was busy before we began (90 % of its processors, load 3.0): its times say little.
Promised and not met: too slow.`);
  });

  it("says so when all was met that is promised of what was measured", () => {
    const measured = { ...opening, missed: () => [] };
    const results = [{ measurement: measured, seconds: 1, rows: [] }];
    expect(asText({ ...report, results, missed: [] })).toContain("\nAll that was promised of this was met.");
    expect(asText({ ...report, missed: [] })).not.toContain("promised"); // nothing was
  });

  it("is a page with the method of each measurement", () => {
    const page = asMarkdown(report);
    expect(page).toContain("## Knock to open\n\nBy hand.\n\n| when | who | opened | p50 ms | closes |");
    expect(page).toContain("|  | a peer | 2/2 | 30.0 (15x) | no |");
  });

  it("is JSON with the bare figures", () => {
    expect(JSON.parse(asJson(report))).toMatchObject({
      size: "quick",
      left_out: report.leftOut,
      missed: ["too slow"],
      measurements: [{ name: "opening", rows: report.results[0]?.rows }],
    });
  });
});
