import { strict as assert } from "node:assert";
import { readConf } from "../../src/knockctl/commands/phone-conf.ts";
import type { CallEffect, CallEvent, CallSettings } from "../../src/phone-auth/call/call.ts";
import { type CallState, LIMITS, NEW_CALL } from "../../src/phone-auth/call/state.ts";
import { step } from "../../src/phone-auth/call/step.ts";
import { readEvent } from "../../src/phone-auth/link/events.ts";
import { minutes, seconds } from "../../src/shared/duration.ts";
import { decodePhoneRequest } from "../../src/shared/gate/decode/phone-request.ts";
import { attempt, target } from "./target.ts";

const settings: CallSettings = {
  sounds: "core",
  recordings: "/sounds",
  patience: { call: minutes(3), first_digit: seconds(10), between_digits: seconds(6) },
};
const session = "0123456789abcdef0123456789abcdef";
const granted = { address: "203.0.113.7", seconds: 3600, services: ["ssh"] };
const request = { id: "p12ab34", address: "192.0.2.9", services: ["ssh"], coded: false, since: "2026-01-01" };

/** What the gate says yes with. */
const YES = {
  verify_pin: { session, otp: false },
  verify_otp: {},
  pending: { requests: [request] },
  approve: granted,
  grant_address: granted,
  last: { address: "203.0.113.7" },
  close_all: { closed: 2 },
  status: { open: [granted] },
  deny: {},
};

/** The gate's answer to what it was asked; a late one to something else, when it was asked nothing. */
function answer({ busy }: CallState, no?: object): CallEvent {
  const verb = busy === null || busy === "pause" ? "verify_pin" : busy;
  return { kind: "answer", verb, result: no ?? { ok: true, ...YES[verb] } } as CallEvent;
}

/** What a character of the input stands for, other than itself keyed. */
const EVENTS: Readonly<Record<string, (state: CallState) => CallEvent>> = {
  y: (state) => answer(state),
  n: (state) => answer(state, { ok: false, why: "wrong", wait: 3 }),
  a: (state) => answer(state, { ok: false, why: "ambiguous" }),
  p: () => ({ kind: "played" }),
  t: ({ timer }) => ({ kind: "timeout", timer: timer ?? "first_digit" }),
  T: () => ({ kind: "timeout", timer: "call" }),
  g: () => ({ kind: "gate_down" }),
  h: () => ({ kind: "hangup" }),
};

interface Run {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

/** A call in which each character is a key, or one of EVENTS; `!` first: a call-back. */
function call(bytes: Buffer): Run[] {
  const [first = "", ...rest] = bytes.toString("latin1").slice(0, 600);
  const order = { id: "p12ab34", number: "201", code: "482193", left: 600 };
  const caller = { lane: "external", endpoint: "PJSIP/trunk", number: null } as const;
  const start: CallEvent = { kind: "start", caller, ...(first === "!" && { request: order }) };
  const runs: Run[] = [step(NEW_CALL, start, settings)];
  for (const char of rest) {
    const { state } = runs.at(-1) as Run;
    runs.push(step(state, EVENTS[char]?.(state) ?? { kind: "digit", digit: char }, settings));
  }
  return runs;
}

export const dtmf = target({
  name: "dtmf",
  seeds: () => [
    "?48210739#y203*0*113*7#y1yp",
    "?48210739#y482193#yp",
    "!48210739#yypp",
    "!9#48210739#yp",
    "?48210739#y*9y1y*3y*5y*0",
    "?1#n2#n3#np",
    "?pttptt",
  ],
  words: ["#", "*", "*9", "1", "y", "n", "a", "p", "t", "h", "A", "\n"],
  run: call,
  holds: (runs) => {
    for (const { state, effects } of runs) {
      assert.ok(state.entry.length <= LIMITS.entry && state.ahead.length <= LIMITS.ahead);
      assert.ok(state.keys <= LIMITS.keys + 1);
      for (const effect of effects) {
        if (effect.kind === "log") assert.doesNotMatch(JSON.stringify(effect), /\d/);
        // the gate takes every question that a caller can bring about
        if (effect.kind === "ask") decodePhoneRequest(JSON.stringify(effect));
      }
    }
    const ended = runs.findIndex(({ state }) => state.stage.name === "ended");
    if (ended >= 0) assert.ok(runs.slice(ended + 1).every(({ effects }) => effects.length === 0));
  },
});

const channel = {
  id: "1767225600.42",
  name: "PJSIP/201-0000002a",
  caller: { name: "Ann", number: "201" },
  dialplan: { context: "from-internal", exten: "864" },
};

export const ariEvent = target({
  name: "ari-event",
  seeds: () =>
    [
      { type: "StasisStart", args: ["a", "b"], channel },
      { type: "StasisEnd", channel },
      { type: "ChannelDestroyed", cause: 16, channel },
      { type: "ChannelDtmfReceived", digit: "5", duration_ms: 100, channel },
      { type: "PlaybackFinished", playback: { id: "1767225600.42-1", state: "done" } },
    ].map((event) => JSON.stringify(event)),
  words: ['"', ":", ",", "{", "}", "[", "]", "null", "{}", "[]", "17", '"channel"', '"__proto__"'],
  run: (bytes) => {
    const event = attempt(() => JSON.parse(bytes.toString()), SyntaxError);
    return event.ok ? readEvent(event.value) : undefined;
  },
  holds: (event) => {
    if (event === undefined) return;
    for (const [key, value] of Object.entries(event)) {
      if (key === "args") assert.ok(Array.isArray(value) && value.every((one) => typeof one === "string"));
      else if (key === "cause") assert.ok(value === null || typeof value === "number");
      else assert.equal(typeof value, "string");
    }
  },
});

export const asteriskConf = target({
  name: "asterisk-conf",
  seeds: () => [
    "[general]\nenabled = yes ; of the bank\nbindaddr=127.0.0.1\n;-- a\nb --;\n[knockline](!)\ntype => user\n",
    "[from-internal]\nexten => 864,1,Stasis(knockline)\nsame => n,Hangup()\n",
  ],
  words: ["=", "=>", "[", "]", ";", ";--", "--;", "\\;", " ", "\t", "#include "],
  run: (bytes) => readConf([{ path: "http.conf", text: bytes.toString() }]),
  holds: (lines) => {
    for (const { key, value } of lines) {
      assert.doesNotMatch(`${key}${value}`, /\n/);
      assert.deepEqual([key, value], [key.toLowerCase(), value.trim()]);
    }
  },
});
