import { describe, expect, it } from "vitest";
import { NameWatch } from "../../src/knockd/name-watch.ts";
import { allow } from "../../src/shared/access/allow.ts";
import { hours, milliseconds, minutes, seconds } from "../../src/shared/duration.ts";
import { found } from "../../src/shared/names/fake.ts";
import { parseName } from "../../src/shared/names/name.ts";
import { failingFor, freshFor, Schedule } from "../../src/shared/names/schedule.ts";
import { type TestGate, testGate } from "../helpers/gate.ts";

describe("a name", () => {
  it.each([
    ["SIP.Example.COM.", "sip.example.com"],
    ["a-b.example.co", "a-b.example.co"],
    ["_sip.example.com", "_sip.example.com"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ])("%s is taken as %s", (text, name) => expect(parseName(text)).toBe(name));

  it.each([
    "localhost",
    "192.0.2.1",
    "192.0.2.300",
    "a..b",
    "-a.example",
    "a b.example",
    "bücher.example",
    "",
    ".",
  ])("%s is none", (text) => expect(parseName(text)).toBeUndefined());

  it("of more than 253 letters is none", () => expect(parseName(`${"a.".repeat(126)}com`)).toBeUndefined());
});

describe("an answer", () => {
  it("is good for its TTL, but never less than a minute or more than an hour", () => {
    for (const chance of [0, 0.5, 0.999]) {
      for (const ttl of [0, 1, 59, 60, 300, 3600, 86_400, 2 ** 31]) {
        const span = freshFor(ttl, chance);
        expect(span).toBeGreaterThanOrEqual(seconds(60) - 1);
        expect(span).toBeLessThanOrEqual(hours(1));
      }
      expect(Math.abs(freshFor(600, chance) - seconds(600))).toBeLessThanOrEqual(seconds(60));
    }
  });

  it("that fails is asked for again after a minute, then ever more seldom, up to a quarter of an hour", () => {
    expect([1, 2, 3, 4, 5, 99].map((times) => failingFor(times, 0))).toEqual(
      [1, 2, 4, 8, 15, 15].map((n) => minutes(n)),
    );
  });
});

describe("the schedule", () => {
  /** Plays a span with answers that take `slow` ms, looking every `step` ms. @returns when each name was asked for, ms */
  function play(schedule: Schedule, span: number, slow: number, ttl: number, step = 1): number[] {
    const asked: number[] = [];
    const open: { name: string; at: number }[] = [];
    for (let now = 0; now < span; now += step) {
      while (open[0] !== undefined && open[0].at <= now) {
        const { name } = open.shift() ?? { name: "" };
        schedule.answered(name, now + ttl);
      }
      for (const name of schedule.take(now)) {
        asked.push(now);
        open.push({ name, at: now + slow });
      }
    }
    return asked;
  }
  const most = (times: readonly number[], span: number): number =>
    Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + span).length));
  const full = (names: number): Schedule => {
    const schedule = new Schedule();
    for (let n = 0; n < names; n++) schedule.put(`n${n}.example`, 0);
    return schedule;
  };

  it("asks for a thousand names that are due at once within half a minute, never more than 54 in a second", () => {
    const times = play(full(1_000), seconds(50), 20, hours(1));
    expect(times).toHaveLength(1_000);
    expect(times.at(-1)).toBeLessThan(seconds(25));
    expect(most(times, 1_000)).toBeLessThanOrEqual(54);
  });

  it("asks for ten thousand names of the shortest TTL within a minute, evenly", () => {
    const times = play(full(10_000), seconds(60), 20, hours(1));
    expect(times).toHaveLength(10_000);
    expect(most(times.slice(0, 2_000), 1_000)).toBeLessThanOrEqual(200);
  });

  it("keeps its pace when the clock goes by 10 ms and wakes come late", () => {
    for (const step of [10, 40]) {
      const times = play(full(10_000), seconds(60), 20, hours(1), step);
      expect(times).toHaveLength(10_000);
      expect(most(times.slice(0, 2_000), 1_000)).toBeLessThanOrEqual(200);
    }
  });

  it("waits for no more than 64 answers while the resolver is down", () => {
    expect(play(full(1_000), seconds(4.9), 5_000, hours(1))).toHaveLength(64);
  });

  it("asks for a name only when it is due, and for one that was forgotten never", () => {
    const schedule = new Schedule();
    schedule.put("a.example", 100);
    schedule.put("b.example", 50);
    expect(schedule.take(49)).toEqual([]);
    expect(schedule.wait(49)).toBe(1);
    expect(schedule.take(50)).toEqual(["b.example"]);
    schedule.forget("a.example");
    schedule.answered("b.example", 500);
    expect(schedule.take(499)).toEqual([]);
    expect(schedule.take(500)).toEqual(["b.example"]);
    schedule.forget("b.example");
    schedule.answered("b.example", 600);
    expect(schedule.wait(600)).toBe(Number.POSITIVE_INFINITY);
  });

  it("brings all forward when it is hurried, but asks for none twice at a time", () => {
    const schedule = full(10);
    const first = schedule.take(0);
    schedule.hurry(10);
    const rest = [100, 200, 300, 400].flatMap((now) => schedule.take(now));
    expect(first).not.toEqual([]);
    expect([...first, ...rest].sort()).toEqual(schedule.names());
  });
});

describe("knockd", () => {
  /** Moves the clock and lets the watch look up what it is woken for. */
  async function run(test: TestGate, watch: NameWatch, span: number): Promise<void> {
    for (let t = 0; t < span; t += 1_000) {
      test.pass(milliseconds(1_000));
      watch.tick();
      for (let turn = 0; turn < 10; turn++) await test.gate.alone(async () => undefined);
    }
  }

  it("looks names up when their TTL is over, follows those that come, and forgets those that go", async () => {
    const test = await testGate();
    const watch = new NameWatch(
      test.gate,
      () => 0,
      () => undefined,
    );
    test.gate.names = watch;
    test.resolver.zone.set("a.example.com", { v4: found(120, "203.0.113.1") });
    await test.gate.run((state, tx) => allow(state, tx, { what: "a.example.com" }, false));
    await run(test, watch, seconds(5));
    expect(test.resolver.asked).toEqual(["a.example.com"]);
    expect(await test.keys("allow4_32")).toEqual(["203.0.113.1"]);

    test.resolver.zone.set("a.example.com", { v4: found(120, "203.0.113.2") });
    await run(test, watch, seconds(110));
    expect(test.resolver.asked).toHaveLength(1);
    await run(test, watch, seconds(15));
    expect(await test.keys("allow4_32")).toEqual(["203.0.113.2"]);

    await test.gate.run((state, tx) => tx.forgetEntry([...state.allowlist.all()][0]?.what ?? ""));
    await run(test, watch, seconds(300));
    expect(test.resolver.asked).toHaveLength(2);
  });

  it("starts after a restart with every name's last good addresses, and asks for each again when a minute is over", async () => {
    const test = await testGate();
    test.resolver.zone.set("a.example.com", { v4: found(3_600, "203.0.113.1") });
    await test.gate.run((state, tx) => allow(state, tx, { what: "a.example.com" }, false));
    const first = new NameWatch(
      test.gate,
      () => 0,
      () => undefined,
    );
    first.follow();
    await run(test, first, seconds(2));
    test.resolver.zone.set("a.example.com", { v4: { kind: "failed", why: "SERVFAIL" } });
    await test.restart();
    const second = new NameWatch(
      test.gate,
      () => 0,
      () => undefined,
    );
    second.follow();
    await run(test, second, seconds(140));
    expect(test.resolver.asked).toHaveLength(3);
    expect(await test.keys("allow4_32")).toEqual(["203.0.113.1"]);
  });
});
