import { describe, expect, test } from "vitest";
import type { GateAnswer, Question } from "../../src/phone-auth/call/call.ts";
import { Driver } from "../../src/phone-auth/driver.ts";
import { FakePbx } from "../../src/phone-auth/link/fake.ts";
import type { Duration } from "../../src/shared/duration.ts";
import type { CallbackOrder, CallEnd, Caller } from "../../src/shared/gate/phone-verbs.ts";
import type { Fields } from "../../src/shared/log/log.ts";
import { settings } from "../helpers/gate.ts";
import { PATIENCE } from "./call-transcript.ts";

const PIN = "84613907";
const ORDER: CallbackOrder = { id: "p000001", number: "201", code: "4821", left: 600 };

/** A driver on fakes: a PBX in memory, a gate that knows one PIN, timers that fire when told. */
async function openBench({ max_calls = 20, gate = true } = {}) {
  const pbx = new FakePbx();
  pbx.variables.set("PJSIP_ENDPOINT(201,context)", "from-internal");
  pbx.variables.set("PJSIP_ENDPOINT(201,auth)", "201-login");
  pbx.variables.set("PJSIP_ENDPOINT(open,context)", "from-internal");
  pbx.variables.set("PJSIP_ENDPOINT(open,auth)", "");
  pbx.variables.set("PJSIP_ENDPOINT(trunk,context)", "from-trunk");
  pbx.variables.set("PJSIP_ENDPOINT(trunk,auth)", "trunk-login");
  const bench = {
    gate,
    lines: 0,
    asked: [] as Question[],
    timers: new Set<() => void>(),
    logged: [] as string[],
    over: [] as [request: string, end: CallEnd][],
  };
  const say = (message: string, fields: Fields = {}) =>
    void bench.logged.push(`${message} ${JSON.stringify(fields)}`);
  const answer = (question: Question): GateAnswer => {
    bench.asked.push(question);
    const right = question.verb === "verify_pin" && question.args.pin === PIN;
    const result = right ? { ok: true, session: "0".repeat(32), otp: false } : { ok: false, why: "wrong" };
    return { kind: "answer", verb: question.verb, result } as GateAnswer;
  };
  const { phone } = settings({ phone: { enabled: true, max_calls } });
  const driver = new Driver({
    phone,
    calls: { sounds: "core", recordings: "/srv/sounds", patience: PATIENCE },
    openLink: pbx.open,
    openLine: () => {
      bench.lines += 1;
      let open = true;
      return {
        ready: async () => bench.gate,
        ask: async (question) => (bench.gate && open ? answer(question) : undefined),
        close: () => {
          if (open) bench.lines -= 1;
          open = false;
        },
      };
    },
    after: (_span: Duration, callback) => {
      bench.timers.add(callback);
      return () => void bench.timers.delete(callback);
    },
    log: { debug: say, info: say, warn: say, error: say },
    freshId: () => "fresh",
    onCallOver: (request, end) => void bench.over.push([request, end]),
    onLink: ({ state }) => say(`link ${state}`),
  });
  pbx.become({ state: "up" });
  await settled();
  return { ...bench, pbx, driver, bench };
}

/** All that is under way has happened: fakes need a few turns of the event loop at most. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

const prompts = (pbx: FakePbx) => pbx.played.map(({ media }) => media[0]);

describe("a call", () => {
  test("is answered, asked, and its keys reach the gate with who calls", async () => {
    const { pbx, asked } = await openBench();
    const channel = pbx.call({ endpoint: "PJSIP/201", number: "+1 555-0100" });
    await settled();
    expect(pbx.answered.has(channel)).toBe(true);
    expect(prompts(pbx)).toEqual(["sound:confbridge-pin"]);
    pbx.press(channel, `${PIN}#`);
    await settled();
    const caller: Caller = { lane: "internal", endpoint: "PJSIP/201", number: "+15550100" };
    expect(asked[0]).toMatchObject({ verb: "verify_pin", args: { pin: PIN, caller } });
  });

  test("that ends leaves no channel, line or timer, at whatever step", async () => {
    const steps = ["", "1", `${PIN}#`, `${PIN}#198*51*100*7#`, "1#2#3#", `${PIN}#*0`];
    const { pbx, bench } = await openBench();
    for (const keys of steps) {
      const channel = pbx.call();
      pbx.press(channel, keys);
      await settled();
      pbx.leave(channel);
      await settled();
      expect(bench.lines).toBe(0);
      expect(bench.timers.size).toBe(0);
    }
  });

  test("keys pressed before it was answered count", async () => {
    const { pbx, asked } = await openBench();
    pbx.press(pbx.call(), `${PIN}#`);
    await settled();
    expect(asked[0]).toMatchObject({ args: { pin: PIN } });
  });

  test("whose caller hangs up at once is never begun", async () => {
    const { pbx, logged } = await openBench();
    pbx.leave(pbx.call());
    await settled();
    expect(pbx.answered.size).toBe(0);
    expect(logged.join()).not.toContain("call begins");
  });

  test("hears that nothing is available while the gate is away, and is hung up", async () => {
    const { pbx } = await openBench({ gate: false });
    pbx.call();
    await settled();
    expect(prompts(pbx).at(-1)).toBe("sound:im-sorry");
    pbx.finish();
    await settled();
    expect(pbx.channels).toEqual([]);
  });

  test("never shows a key in a log line", async () => {
    const { pbx, logged } = await openBench();
    const channel = pbx.call({ number: "" });
    pbx.press(channel, `${PIN}#98765432#`);
    await settled();
    expect(logged.join("\n")).not.toMatch(/84613907|98765432/);
  });

  test("ends when the link is lost", async () => {
    const { pbx, bench } = await openBench();
    pbx.call();
    await settled();
    pbx.become({ state: "connecting", why: "Asterisk does not answer" });
    await settled();
    expect([bench.lines, bench.timers.size]).toEqual([0, 0]);
  });
});

describe("the lane", () => {
  const cases: [lane: string, what: string, endpoint: string][] = [
    ["internal", "a phone that logs in and belongs to the phones' context", "PJSIP/201"],
    ["external", "an endpoint of that context that need not log in", "PJSIP/open"],
    ["external", "a trunk, wherever its call was sent", "PJSIP/trunk"],
    ["external", "an endpoint that Asterisk cannot tell of", "PJSIP/unknown"],
    ["external", "a Local channel", "Local/864@from-internal"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Asterisk's own syntax, as an attack
    ["external", "a name that would be dialplan", "PJSIP/201,context)${SHELL(id)}"],
  ];
  test.each(cases)("is %s for %s", async (lane, _what, endpoint) => {
    const { pbx, asked } = await openBench();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Asterisk's own syntax, as an attack
    pbx.variables.set("PJSIP_ENDPOINT(201,context)${SHELL(id)},context)", "from-internal");
    const channel = pbx.call({ endpoint, context: "from-internal", number: "201" });
    pbx.press(channel, `${PIN}#`);
    await settled();
    expect(asked[0]).toMatchObject({ args: { caller: { lane } } });
  });
});

describe("more callers than max_calls", () => {
  test("are told to call later, and then hung up; a place that is free again is given", async () => {
    const { pbx, bench } = await openBench({ max_calls: 2 });
    const [first] = [pbx.call(), pbx.call()];
    await settled();
    const third = pbx.call();
    await settled();
    expect(pbx.played.at(-1)).toMatchObject({
      channel: third,
      media: expect.arrayContaining(["sound:im-sorry"]),
    });
    expect(bench.lines).toBe(2);
    pbx.finish();
    await settled();
    expect(pbx.channels).not.toContain(third);
    pbx.leave(first ?? "");
    await settled();
    const fourth = pbx.call();
    await settled();
    expect(pbx.played.at(-1)).toMatchObject({ channel: fourth, media: ["sound:confbridge-pin"] });
  });

  test("are hung up without a word once as many are being told", async () => {
    const { pbx } = await openBench({ max_calls: 2 });
    const channels = Array.from({ length: 6 }, () => pbx.call());
    await settled();
    expect(pbx.channels).toEqual(channels.slice(0, 4));
  });
});

describe("a call-back", () => {
  test("rings the number of the order, speaks the code, and asks for the PIN of that request", async () => {
    const { pbx, driver, asked, bench } = await openBench();
    await driver.ring(ORDER);
    await settled();
    expect(pbx.played[0]?.media).toEqual(expect.arrayContaining(["sound:digits/4", "sound:confbridge-pin"]));
    pbx.press("knockline-fresh", `${PIN}#`);
    await settled();
    expect(asked[0]).toMatchObject({ args: { request: ORDER.id, caller: { number: "201" } } });
    expect(bench.over).toEqual([]);
    pbx.leave("knockline-fresh");
    await settled();
    expect(bench.over).toEqual([[ORDER.id, "answered"]]);
  });

  test.each([
    ["is busy", "busy", "busy"],
    ["rings", "no answer", "no answer"],
    ["does not exist", "Allocation failed", "not reached"],
  ] as const)("to a phone that %s says so, and leaves nothing", async (behaviour, reason, end) => {
    const { pbx, driver, bench } = await openBench();
    pbx.behaviours.set("PJSIP/201", behaviour);
    await driver.ring(ORDER);
    pbx.ringsNoLonger("knockline-fresh");
    await settled();
    expect(bench.logged.at(-1)).toContain(reason);
    expect(bench.over).toEqual([[ORDER.id, end]]);
    expect([pbx.channels.length, bench.lines]).toEqual([0, 0]);
  });

  test.each(["201,1,SHELL(x)", "", "../x", "201&PJSIP/202", "1".repeat(33)])(
    "to %j is not made",
    async (number) => {
      const { pbx, driver, logged, bench } = await openBench();
      await driver.ring({ ...ORDER, number });
      await settled();
      expect(pbx.channels).toEqual([]);
      expect(bench.over).toEqual([[ORDER.id, "not placed"]]);
      expect(logged.at(-1)).toContain("makes no sense");
    },
  );

  test("is not made when every place is taken", async () => {
    const { pbx, driver, bench } = await openBench({ max_calls: 1 });
    pbx.call();
    await settled();
    await driver.ring(ORDER);
    expect(bench.logged.at(-1)).toContain("max_calls");
    expect(bench.over).toEqual([[ORDER.id, "not placed"]]);
    expect(pbx.channels).toHaveLength(1);
  });

  test.each(["rings", "picks up"] as const)(
    "that %s is told of as over when the link is lost",
    async (how) => {
      const { pbx, driver, bench } = await openBench();
      pbx.behaviours.set("PJSIP/201", how);
      await driver.ring(ORDER);
      await settled();
      pbx.become({ state: "connecting", why: "Asterisk does not answer" });
      await settled();
      expect(bench.over).toEqual([[ORDER.id, "link lost"]]);
    },
  );
});

test("stopping hangs up every call", async () => {
  const { pbx, driver, bench } = await openBench({ max_calls: 1 });
  pbx.call();
  pbx.call();
  await settled();
  await driver.stop();
  expect(pbx.channels).toEqual([]);
  expect([bench.lines, bench.timers.size]).toEqual([0, 0]);
});
