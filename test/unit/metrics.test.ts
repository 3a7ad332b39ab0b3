import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { renderMetrics } from "../../src/knockctl/render/metrics.ts";
import { Knocks } from "../../src/knockd/knocks.ts";
import { DENIALS } from "../../src/shared/access/denial.ts";
import { days, minutes } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import { type TestGate, testGate } from "../helpers/gate.ts";
import { parseExposition } from "../helpers/prometheus.ts";
import { until } from "../helpers/wait.ts";

const SINCE = "2026-01-01T00:00:00.000Z";
const HOME = "203.0.113.7";

let t: TestGate;
beforeEach(async () => {
  t = await testGate();
});

const ask = <V extends Exclude<Verb, "watch">>(
  verb: V,
  args: AdminVerbs[V]["args"],
  since: string | null = SINCE,
) => answer(t.gate, verb, args, { ...noKnockd(t.gate), since });

/** What is exposed now. @returns the value of a sample: `value("knockline_grants", 'by="knock"')` */
async function exposed(since: string | null = SINCE) {
  const metrics = parseExposition(`${renderMetrics((await ask("metrics", {}, since)).families)}\n`);
  return { metrics, value: (name: string, labels = "") => metrics.get(name)?.samples.get(labels) };
}

describe("metrics", () => {
  test("are well-formed, with every series there from the start and at zero", async () => {
    const { metrics, value } = await exposed();
    expect([...metrics.keys()].every((name) => name.startsWith("knockline_"))).toBe(true);
    expect([...(metrics.get("knockline_denials_total")?.samples ?? [])]).toEqual(
      Object.keys(DENIALS).map((reason) => [`reason="${reason}"`, 0]),
    );
    expect(value("knockline_up")).toBe(1);
    expect(value("knockline_start_time_seconds")).toBe(Date.parse(SINCE) / 1000);
    expect(value("knockline_firewall_state", 'state="ok"')).toBe(1);
    expect(value("knockline_firewall_state", 'state="missing"')).toBe(0);
  });

  test("are those that the page on monitoring lists, by the same names, and no others", async () => {
    const page = readFileSync(new URL("../../docs/monitoring.md", import.meta.url), "utf8");
    const [, table = ""] = page.split("## What there is");
    const [rows = ""] = table.split("## Alerts");
    const listed = [...rows.matchAll(/`(knockline_[a-z_]+)/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual([...(await exposed()).metrics.keys()].sort());
  });

  test("of a knockd that is down say so, and count nothing", async () => {
    const { metrics, value } = await exposed(null);
    expect([value("knockline_up"), value("knockline_ok"), value("knockline_start_time_seconds")]).toEqual([
      0, 0, 0,
    ]);
    expect([...metrics].filter(([name, { type }]) => type === "counter" && !name.includes("kernel"))).toEqual(
      [],
    );
  });

  test("count doors as they open, are renewed and end, by the way they were opened", async () => {
    await ask("grant", { address: HOME, ttl: 60 });
    await ask("grant", { address: HOME, ttl: 120 });
    await ask("grant", { address: "203.0.113.8", ttl: 60 });
    await ask("revoke", { what: HOME });
    t.pass(minutes(1));
    await t.gate.sweep();
    const { value } = await exposed();
    expect(value("knockline_grants", 'by="admin"')).toBe(0);
    expect(value("knockline_grants_opened_total", 'by="admin"')).toBe(2);
    expect(value("knockline_grants_renewed_total", 'by="admin"')).toBe(1);
    expect(value("knockline_grants_ended_total", 'how="revoked"')).toBe(1);
    expect(value("knockline_grants_ended_total", 'how="expired"')).toBe(1);
  });

  test("count each touch of a knock port once, also while somebody watches", async () => {
    const { user } = await ask("user_add", { name: "alice", proof: "none" });
    const knocks = new Knocks(t.gate);
    const ports = user.steps.map(({ port }) => port);
    for (const [at, port] of [ports[0], ports[0], ports[1], ports[2]].entries())
      knocks.take({ source: HOME, proto: "udp", port: port ?? 0 }, Buffer.from(""), 1_000 + at);
    knocks.take({ source: "203.0.113.9", proto: "udp", port: ports[1] ?? 0 }, Buffer.from(""), 2_000);
    await until(() => t.gate.state.ledger.size === 1, { what: "the knock opens" });
    const { value } = await exposed();
    const outcomes = ["step", "repeat", "complete", "denied"];
    expect(outcomes.map((outcome) => value("knockline_knocks_total", `outcome="${outcome}"`))).toEqual([
      2, 1, 1, 1,
    ]);
    expect(value("knockline_denials_total", 'reason="wrong_order"')).toBe(1);
    expect(value("knockline_grants", 'by="knock"')).toBe(1);
  });

  test("tell how many callers wait, and whose codes are locked, without naming them", async () => {
    await ask("user_add", { name: "alice", proof: "otp" });
    const { wall } = t.gate.parts.clock();
    const tries = { wrong: 9, last: wall, day: Math.floor(wall / days(1)), today: 9, good: null };
    await t.gate.run((_state, tx) => {
      tx.setTries("pin/external/+49301234567", tries);
      tx.setTries("pin/internal/PJSIP/201", tries);
      tx.setTries("pin/internal/PJSIP/202", { ...tries, wrong: 1 });
      tx.setTries("pin/strangers", { ...tries, today: 200 });
      tx.setTries("pin/known-callers", { ...tries, today: 100 });
      tx.setTries("otp/alice", { ...tries, wrong: 60 });
    });
    const { value } = await exposed();
    expect(value("knockline_pin_delayed_callers", 'lane="external"')).toBe(1);
    expect(value("knockline_pin_delayed_callers", 'lane="internal"')).toBe(1);
    expect(value("knockline_pin_strangers_shut_out")).toBe(1);
    expect(value("knockline_pin_known_callers_shut_out")).toBe(1);
    expect(value("knockline_code_locked_users")).toBe(1);
    const text = renderMetrics((await ask("metrics", {})).families);
    for (const secret of ["alice", "4930", "PJSIP"]) expect(text).not.toContain(secret);
  });

  test("escape what a label could hold", () => {
    const samples = [{ labels: { reason: 'a"b\\c\nd' }, value: 1 }];
    const text = renderMetrics([{ name: "x", type: "gauge", help: "h", samples }]);
    expect([...(parseExposition(`${text}\n`).get("x")?.samples ?? [])]).toEqual([
      ['reason="a\\"b\\\\c\\nd"', 1],
    ]);
  });
});

describe("the checker of the text format", () => {
  test.each([
    ["a sample without TYPE", "# HELP a h\na 1\n"],
    ["a counter without _total", "# HELP a h\n# TYPE a counter\na 1\n"],
    ["a gauge with _total", "# HELP a_total h\n# TYPE a_total gauge\na_total 1\n"],
    ["a sample twice", "# HELP a h\n# TYPE a gauge\na 1\na 1\n"],
    ["a metric twice", "# HELP a h\n# TYPE a gauge\na 1\n# HELP a h\n# TYPE a gauge\na 1\n"],
    ["a metric without samples", "# HELP b h\n# TYPE b gauge\n# HELP a h\n# TYPE a gauge\na 1\n"],
    ["no newline at the end", "# HELP a h\n# TYPE a gauge\na 1"],
    ["a quote in a label", '# HELP a h\n# TYPE a gauge\na{b="c"d"} 1\n'],
  ])("refuses %s", (_name, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
