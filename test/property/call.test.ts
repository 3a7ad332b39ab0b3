import fc from "fast-check";
import { expect, it } from "vitest";
import type { AskedVerb, CallEffect, CallEvent, CallSettings } from "../../src/phone-auth/call/call.ts";
import { mediaOf } from "../../src/phone-auth/call/prompts.ts";
import { spell } from "../../src/phone-auth/call/speech.ts";
import { type CallState, LIMITS, NEW_CALL } from "../../src/phone-auth/call/state.ts";
import { step } from "../../src/phone-auth/call/step.ts";
import { minutes, seconds } from "../../src/shared/duration.ts";
import type { CallbackOrder, Caller, PhoneRefusal } from "../../src/shared/gate/phone-verbs.ts";
import { runs } from "../helpers/runs.ts";

const settings: CallSettings = {
  sounds: "core",
  recordings: "/sounds",
  patience: { call: minutes(3), first_digit: seconds(10), between_digits: seconds(6) },
};
const caller: Caller = { lane: "external", endpoint: "PJSIP/trunk", number: null };
const order: CallbackOrder = { id: "r1", number: "5551234", code: "482193", left: 600 };

const ADDRESSES = ["203.0.113.7", "198.51.100.20", "2001:db8::1"];
const address = fc.constantFrom(...ADDRESSES);
const grant = fc.record({
  address,
  seconds: fc.integer({ min: 1, max: 90_000 }),
  services: fc.constant(["ssh"]),
});
const request = fc.record({
  id: fc.constantFrom("r1", "r2", "r3"),
  address,
  services: fc.constant(["ssh"]),
  coded: fc.boolean(),
  since: fc.constant("2026-08-01T12:00:00Z"),
});

/** What a yes to each verb may carry. */
const YES: Record<AskedVerb, fc.Arbitrary<object>> = {
  verify_pin: fc.record({ session: fc.constant("s"), otp: fc.boolean() }),
  verify_otp: fc.constant({}),
  pending: fc.record({ requests: fc.array(request, { maxLength: 3 }) }),
  approve: grant,
  grant_address: grant,
  last: fc.record({ address: fc.option(address) }),
  close_all: fc.record({ closed: fc.nat(5) }),
  status: fc.record({ open: fc.array(grant, { maxLength: 7 }) }),
  deny: fc.constant({}),
};
const why = fc.constantFrom<PhoneRefusal>(
  "wrong",
  "wait",
  "session",
  "unknown",
  "ambiguous",
  "address",
  "refused",
  "broken",
);
const no = fc.record({ ok: fc.constant(false), why, wait: fc.option(fc.nat(40), { nil: undefined }) });

/** What a caller who means it keys at each stage. */
const SENSIBLE: Readonly<Record<string, readonly string[]>> = {
  pin: ["48210739#"],
  authenticator: ["123456#"],
  menu: ["203*0*113*7#", "*9", "482193#", "*5", "*3"],
  confirm: ["1", "2"],
};

function keysFor({ stage, request }: CallState, { sensible, what, keys }: Choice): string {
  const no = stage.name === "pin" && request !== null ? ["9#"] : [];
  const meant = [...(SENSIBLE[stage.name] ?? []), ...no];
  return sensible ? (meant[what % meant.length] ?? keys) : keys;
}

/** One choice of the world: which of the things that can happen now does. Yes is likelier than no, keys than silence. */
const choice = fc.record({
  what: fc.noBias(fc.nat(99)),
  sensible: fc.nat(9).map((n) => n > 0),
  keys: fc.oneof(
    fc.constantFrom(
      "1",
      "2",
      "9#",
      "*9",
      "*3",
      "*5",
      "*0",
      "*#",
      "#",
      "48210739#",
      "482193#",
      "203*0*113*7#",
    ),
    fc.string({ unit: fc.constantFrom(..."0123456789*#"), minLength: 1, maxLength: 40 }),
  ),
  yes: fc.record(YES as unknown as Record<AskedVerb, fc.Arbitrary<object>>),
  no: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: no }),
});
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

const answerOf = (verb: AskedVerb, { yes, no: refusal }: Choice): CallEvent =>
  ({ kind: "answer", verb, result: refusal ?? { ok: true, ...yes[verb] } }) as CallEvent;

/** What the world does next to a call in this state: only what can happen, and never the timer of the whole call. */
function eventsFor(state: CallState, one: Choice): CallEvent[] {
  if (state.stage.name === "goodbye") return [{ kind: "played" }];
  const busy = state.busy !== null && state.busy !== "pause";
  if (busy && (one.sensible || one.what < 60)) return [answerOf(state.busy as AskedVerb, one)];
  if (busy && one.what < 63) return [{ kind: "gate_down" }];
  if (state.playing && one.what < 30) return [{ kind: "played" }];
  if (state.timer !== null && one.what % 10 === 0) return [{ kind: "timeout", timer: state.timer }];
  return [...keysFor(state, one)].map((digit) => ({ kind: "digit", digit }));
}

/** Runs one call in the worlds that the choices make, over and over, until it ends or `limit` events have happened. */
function run(
  choices: readonly Choice[],
  begin: CallEvent,
  limit: number,
  see: (seen: Seen) => void,
): CallState {
  let { state, effects } = step(NEW_CALL, begin, settings);
  see({ before: NEW_CALL, event: begin, effects, state });
  for (let n = 0, i = 0; n < limit && state.stage.name !== "ended"; i++) {
    const one = choices[i % choices.length];
    if (one === undefined) throw new Error("no choices");
    for (const event of eventsFor(state, one)) {
      const before = state;
      ({ state, effects } = step(state, event, settings));
      see({ before, event, effects, state });
      n++;
    }
  }
  return state;
}

interface Seen {
  readonly before: CallState;
  readonly event: CallEvent;
  readonly effects: readonly CallEffect[];
  readonly state: CallState;
}

const world = (one: fc.Arbitrary<Choice>) => fc.array(one, { minLength: 1, maxLength: 40 });
const anyWorld = world(choice);
/** One that mostly says yes, to a caller who mostly knows what he wants: things get opened in it. */
const kindWorld = world(
  fc.oneof(
    { weight: 9, arbitrary: choice.map((one) => ({ ...one, sensible: true, no: null })) },
    { weight: 1, arbitrary: choice },
  ),
);
const start = (asked?: CallbackOrder): CallEvent => ({
  kind: "start",
  caller,
  ...(asked && { request: asked }),
});
const calledBack = fc.constantFrom(start(order), start({ ...order, code: null }));
const begun = fc.oneof({ weight: 3, arbitrary: fc.constant(start()) }, { weight: 2, arbitrary: calledBack });

const anyCall = (
  check: (effects: Seen[], state: CallState) => void,
  { limit = 400, begin = begun, choices = anyWorld, times = 1 } = {},
): void =>
  fc.assert(
    fc.property(choices, begin, (list, first) => {
      const seen: Seen[] = [];
      check(
        seen,
        run(list, first, limit, (one) => seen.push(one)),
      );
    }),
    { numRuns: times * runs(400, 60), endOnFailure: true },
  );

it("opens a keyed or remembered address only when its read-back was confirmed with 1", () => {
  let opened = 0;
  anyCall(
    (seen) => {
      let readBack = "";
      for (const { event, effects } of seen) {
        for (const effect of effects) {
          if (effect.kind === "play") readBack = effect.media.join();
          if (effect.kind !== "ask" || effect.verb !== "grant_address" || effect.args.dry) continue;
          opened++;
          expect(event).toEqual({ kind: "digit", digit: "1" });
          expect(readBack).toContain(mediaOf(spell(effect.args.address), settings).join());
        }
      }
    },
    { choices: kindWorld, times: 3 }, // one call in ten opens something
  );
  expect(opened).toBeGreaterThan(0);
});

it("ends by itself, whatever the caller keys and the gate answers, also without the timer of the whole call", () => {
  anyCall((_, state) => expect(state.stage.name).toBe("ended"), { limit: 10 * LIMITS.keys });
});

it("logs no digit", () => {
  anyCall((seen) => {
    for (const effect of seen.flatMap(({ effects }) => effects)) {
      if (effect.kind === "log") expect(JSON.stringify(effect)).not.toMatch(/\d/);
    }
  });
});

it("asks one question at a time, and before the PIN nothing of the gate but the PIN, or to deny", () => {
  anyCall((seen) => {
    let signedIn = false;
    for (const { before, event, effects } of seen) {
      if (event.kind === "answer" && event.verb === "verify_pin" && event.result.ok) signedIn = true;
      const asked = effects.filter((effect) => effect.kind === "ask");
      expect(asked.length).toBeLessThanOrEqual(1);
      if (asked.length > 0 && before.busy !== null) expect(event.kind).toBe("answer");
      if (!signedIn) for (const { verb } of asked) expect(["verify_pin", "deny"]).toContain(verb);
    }
  });
});

it("after a denial nothing more is asked of the gate, and only for the request that we call back for", () => {
  let denials = 0;
  anyCall(
    (seen) => {
      const asked = seen.flatMap(({ effects }) => effects.filter((effect) => effect.kind === "ask"));
      const denied = asked.findIndex(({ verb }) => verb === "deny");
      if (denied === -1) return;
      denials++;
      expect(asked.slice(denied)).toEqual([{ kind: "ask", verb: "deny", args: { id: order.id } }]);
    },
    { begin: calledBack },
  );
  expect(denials).toBeGreaterThan(0);
});

it("keeps what it remembers within bounds", () => {
  anyCall((seen) => {
    for (const { state } of seen) {
      expect(state.entry.length).toBeLessThanOrEqual(LIMITS.entry);
      expect(state.ahead.length).toBeLessThanOrEqual(LIMITS.ahead);
      expect(state.keys).toBeLessThanOrEqual(LIMITS.keys + 1);
    }
  });
});

it("ends with every timer off and hang_up last; after that nothing happens any more", () => {
  const late: CallEvent[] = [
    { kind: "start", caller },
    { kind: "digit", digit: "1" },
    { kind: "played" },
    { kind: "timeout", timer: "call" },
    { kind: "timeout", timer: "prompt" },
    { kind: "gate_down" },
    { kind: "hangup" },
    {
      kind: "answer",
      verb: "approve",
      result: { ok: true, address: "203.0.113.7", seconds: 60, services: [] },
    },
  ];
  anyCall(
    (seen, state) => {
      const timers = new Set<string>();
      const all = seen.flatMap(({ effects }) => effects);
      for (const effect of all) {
        if (effect.kind === "timer" && effect.after === null) timers.delete(effect.timer);
        if (effect.kind === "timer" && effect.after !== null) timers.add(effect.timer);
      }
      expect([...timers]).toEqual([]);
      expect(all.at(-1)).toEqual({ kind: "hang_up" });
      for (const event of late) expect(step(state, event, settings)).toEqual({ state, effects: [] });
    },
    { limit: 10 * LIMITS.keys },
  );
});

it("a hang-up at any moment only ends timers", () => {
  anyCall((seen) => {
    for (const { state } of seen.slice(0, 40)) {
      for (const effect of step(state, { kind: "hangup" }, settings).effects) {
        expect(effect).toMatchObject({ kind: "timer", after: null });
      }
    }
  });
});
