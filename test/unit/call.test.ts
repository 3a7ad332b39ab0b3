import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Question } from "../../src/phone-auth/call/call.ts";
import { readEntry } from "../../src/phone-auth/call/entry.ts";
import { mediaOf, recordingsOf } from "../../src/phone-auth/call/prompts.ts";
import { durationWords, numberWords, spell } from "../../src/phone-auth/call/speech.ts";
import type { PendingView } from "../../src/shared/gate/phone-verbs.ts";
import { type Act, call, type FakeGate, heard, RECORDINGS, WORDS } from "./call-transcript.ts";

const PIN = "48210739#";
const HOUR = { address: "203.0.113.7", seconds: 3600, services: ["ssh"] };

const pending = (id: string, address: string, coded: boolean): PendingView => ({
  id,
  address,
  services: ["ssh"],
  coded,
  since: "2026-08-01T12:00:00Z",
});

type Replies = Partial<Record<Question["verb"], ReturnType<FakeGate> | FakeGate>>;

/** A gate with one user without authenticator and nothing pending, but for what is said otherwise. */
function gate(replies: Replies = {}): FakeGate {
  const usual: Replies = {
    verify_pin: ({ args }) =>
      "pin" in args && args.pin === "48210739"
        ? { ok: true, session: "s", otp: false }
        : { ok: false, why: "wrong" },
    verify_otp: ({ args }) =>
      "code" in args && args.code === "123456" ? { ok: true } : { ok: false, why: "wrong" },
    pending: { ok: true, requests: [] },
    approve: ({ args }) =>
      "code" in args && args.code !== "482193" ? { ok: false, why: "unknown" } : { ok: true, ...HOUR },
    grant_address: ({ args }) => ({ ok: true, ...HOUR, ...("address" in args && { address: args.address }) }),
    last: { ok: true, address: "198.51.100.20" },
    close_all: { ok: true, closed: 2 },
    status: { ok: true, open: [HOUR] },
    deny: { ok: true },
  };
  return (question) => {
    const reply = { ...usual, ...replies }[question.verb];
    return typeof reply === "function" ? reply(question) : reply;
  };
}

const otpUser: Replies = { verify_pin: { ok: true, session: "s", otp: true } };
const order = { id: "r1", number: "5551234", code: "482193", left: 600 };
const refused = (why: string, wait?: number) => ({ ok: false, why, ...(wait !== undefined && { wait }) });

interface Told {
  readonly acts: readonly Act[];
  readonly replies?: Replies;
  readonly request?: typeof order | { id: string; number: string; code: null; left: number };
}

const keys = (text: string): Act => ({ keys: text });
const into = (text: string): Act => ({ into: text });

/** Every way through a call, as a person would tell it. */
const CALLS: Record<string, Told> = {
  "an address is keyed, read back and confirmed": { acts: [keys(PIN), keys("203*0*113*7#"), keys("1")] },
  "an address in twelve digits": { acts: [keys(PIN), keys("203000113007#"), keys("1")] },
  "who knows the way keys into every prompt": { acts: [into(PIN), into("203*0*113*7#"), into("1")] },
  "PIN and code in one go": { acts: [into(`${PIN}482193#`)] },
  "a code of a pending request": { acts: [keys(PIN), keys("482193#")] },
  "a wrong code, then the right one": { acts: [keys(PIN), keys("482194#"), keys("482193#")] },
  "a code that two requests carry: they are read out": {
    acts: [keys(PIN), keys("482193#"), keys("2"), keys("1")],
    replies: {
      approve: ({ args }) => ("id" in args && args.id ? { ok: true, ...HOUR } : refused("ambiguous")),
      pending: ({ args: _ }) => ({
        ok: true,
        requests: [pending("r1", "192.0.2.1", true), pending("r2", "203.0.113.7", true)],
      }),
    },
  },
  "a request without a code is read out after the PIN": {
    acts: [keys(PIN), keys("1")],
    replies: { pending: { ok: true, requests: [pending("r1", "203.0.113.7", false)] } },
  },
  "a request that is not mine is left alone": {
    acts: [keys(PIN), keys("2"), "hangs up"],
    replies: { pending: { ok: true, requests: [pending("r1", "203.0.113.7", false)] } },
  },
  "an authenticator's code": {
    acts: [keys(PIN), keys("123456#"), keys("482193#")],
    replies: otpUser,
  },
  "a wrong authenticator's code three times": {
    acts: [keys(PIN), keys("000000#"), keys("000001#"), keys("000002#")],
    replies: otpUser,
  },
  "star nine: the last address": { acts: [keys(PIN), keys("*9"), keys("1")] },
  "star nine without a last address": {
    acts: [keys(PIN), keys("*9"), "hangs up"],
    replies: { last: { ok: true, address: null } },
  },
  "star five and star three: what is open, and close it": {
    acts: [keys(PIN), keys("*5"), keys("*3"), keys("*0"), "hangs up"],
  },
  "nothing is open": {
    acts: [keys(PIN), keys("*5"), "hangs up"],
    replies: { status: { ok: true, open: [] } },
  },
  "the read-back is wrong: two starts over": {
    acts: [keys(PIN), keys("203*0*113*8#"), keys("2"), keys("203*0*113*7#"), keys("1")],
  },
  "an address that is never let in": {
    acts: [keys(PIN), keys("127*0*0*1#"), "hangs up"],
    replies: { grant_address: refused("address") },
  },
  "no address at all": { acts: [keys(PIN), keys("256*1*1*1#"), keys("1*2*3#"), "hangs up"] },
  "a wrong PIN three times": { acts: [keys("1111#"), keys("2222#"), keys("3333#")] },
  "a delay that is waited for on the line": {
    acts: [keys("1111#"), "silence", keys(PIN), "hangs up"],
    replies: {
      verify_pin: ({ args }) =>
        "pin" in args && args.pin === "1111" ? refused("wrong", 4) : { ok: true, session: "s", otp: false },
    },
  },
  "a delay too long to wait for": { acts: [keys(PIN)], replies: { verify_pin: refused("wait", 3600) } },
  "silence from the beginning": { acts: ["silence", "silence"] },
  "silence in the middle of a PIN": { acts: [keys("482"), "silence", "silence", "silence"] },
  "silence after the PIN": { acts: [keys(PIN), "silence", "silence"] },
  "silence at the read-back opens nothing": { acts: [keys(PIN), keys("203*0*113*7#"), "silence", "silence"] },
  "noise at every question": { acts: [keys("*#*#"), keys(PIN), keys("*#"), keys("**"), keys("*#*#*#")] },
  "forty digits": {
    acts: [keys("1".repeat(40)), keys("#"), keys(PIN), keys(`${"2".repeat(40)}#`), "hangs up"],
  },
  "the gate is away": { acts: [keys(PIN)], replies: { verify_pin: "down" } },
  "the gate goes away before the address is opened": {
    acts: [keys(PIN), keys("203*0*113*7#"), keys("1")],
    replies: { grant_address: ({ args }) => ("dry" in args && args.dry ? { ok: true, ...HOUR } : "down") },
  },
  "the gate never answers": { acts: [keys(PIN), "silence"], replies: { verify_pin: undefined } },
  "the kernel is broken": { acts: [keys(PIN), keys("482193#")], replies: { approve: refused("broken") } },
  "the session is gone: the PIN is asked again": {
    acts: [keys(PIN), keys("*5"), "hangs up"],
    replies: { status: refused("session") },
  },
  "the call takes too long": { acts: [keys(PIN), "too long"] },
  "Asterisk forgets a prompt": { acts: ["stuck", keys(PIN), "hangs up"] },
  "called back: the code is spoken, the PIN opens": { acts: [keys(PIN)], request: order },
  "called back: a request without a code is read out": {
    acts: [keys(PIN), keys("1")],
    request: { ...order, code: null },
    replies: { pending: { ok: true, requests: [pending("r1", "203.0.113.7", false)] } },
  },
  "called back: nine denies, without a PIN": { acts: [keys("9#")], request: order },
  "called back: a lone nine denies too": { acts: [keys("9"), "silence"], request: order },
  "called back: nine after the PIN denies at once": {
    acts: [keys(PIN), keys("9")],
    request: { ...order, code: null },
    replies: { pending: { ok: true, requests: [pending("r1", "203.0.113.7", false)] } },
  },
  "called back: nine when the request is no more": {
    acts: [keys("9#")],
    request: order,
    replies: { deny: refused("unknown") },
  },
  "nine is no denial for somebody who called himself": { acts: [keys("9#"), "hangs up"] },
  "called back: a PIN that begins with nine is no denial": {
    acts: [keys("9000#"), "hangs up"],
    request: order,
  },
  "called back: voicemail": { acts: ["silence", "silence"], request: order },
  "called back: a wrong PIN three times": { acts: [keys("1#"), keys("2#"), keys("3#")], request: order },
  "called back: the request is no more": {
    acts: [keys(PIN)],
    request: order,
    replies: { approve: refused("unknown") },
  },
};

const play = ({ acts, replies, request }: Told, sounds: "core" | "knockline") =>
  call(acts, gate(replies), { sounds, ...(request && { request }) });

const scene = ([title, told]: [string, Told], sounds: "core" | "knockline"): string =>
  `== ${title}\n\n${play(told, sounds).text}`;

describe("every way through a call, in words", () => {
  test.each(["core", "knockline"] as const)("with the %s voice", async (sounds) => {
    const text = Object.entries(CALLS)
      .map((entry) => scene(entry, sounds))
      .join("\n");
    await expect(text).toMatchFileSnapshot(`goldens/call-${sounds}.txt`);
  });

  test.each(Object.entries(CALLS))("leaves no timer behind: %s", (_, told) => {
    const transcript = play(told, "core");
    if (transcript.over) expect([...transcript.timers]).toEqual([]);
    else expect([...transcript.timers]).toContain("call");
  });
});

test.each(Object.entries(CALLS))(
  "a hang-up at any step only ends timers: %s",
  (_, { acts, replies, request }) => {
    for (let after = 0; after <= acts.length; after++) {
      const transcript = call(acts.slice(0, after), gate(replies), request && { request });
      if (transcript.over) break;
      const before = transcript.effects.length;
      transcript.act("hangs up");
      expect(transcript.over).toBe(true);
      for (const effect of transcript.effects.slice(before))
        expect(effect).toMatchObject({ kind: "timer", after: null });
      expect([...transcript.timers]).toEqual([]);
    }
  },
);

describe("what is said", () => {
  const line = (words: Parameters<typeof mediaOf>[0]) =>
    heard(mediaOf(words, { sounds: "core", recordings: RECORDINGS }));

  test.each([
    [3600, "one hour"],
    [2700, "forty five minutes"],
    [5400, "one hour and thirty minutes"],
    [60, "one minute"],
    [90, "one minute and thirty seconds"],
    [1, "one second"],
    [0, "zero seconds"],
    [59.9, "fifty nine seconds"],
    [7200, "two hours"],
    [3660, "one hour and one minute"],
    [43_200, "twelve hours"],
    [100_800, "twenty eight hours"],
    [172_800, "two days"],
    [176_400, "two days and one hour"],
    [31_536_000, "three hundred sixty five days"],
  ])("%d seconds are %j", (seconds, words) => {
    expect(line(durationWords(seconds))).toBe(words);
  });

  test.each([
    [21, "twenty one"],
    [100, "one hundred"],
    [1012, "one thousand twelve"],
  ])("the number %d is %j", (n, words) => {
    expect(line(numberWords(n))).toBe(words);
  });

  test.each([
    ["203.0.113.7", "two zero three dot zero dot one one three dot seven"],
    ["2001:db8::1", "two zero zero one colon d b eight colon colon one"],
    ["2001:db8:1:2::/64", "two zero zero one colon d b eight colon one colon two colon colon slash six four"],
  ])("the address %s is spelt", (address, words) => {
    expect(line(spell(address))).toBe(words);
  });

  test.each(["core", "knockline"] as const)("every recording of the %s voice is there", (sounds) => {
    for (const name of recordingsOf(sounds)) {
      const own = name.startsWith("own/") ? name.slice("own/".length) : undefined;
      const uri = own === undefined ? `sound:${name}` : `sound:${RECORDINGS}/en/${own}`;
      expect(WORDS.has(uri), `${name} has words`).toBe(true);
      if (own === undefined) continue;
      expect(existsSync(new URL(`../../sounds/en/${own}.ulaw`, import.meta.url)), `${own}.ulaw`).toBe(true);
    }
  });
});

test.each([
  ["4821", { kind: "code", code: "4821" }],
  ["48219357", { kind: "code", code: "48219357" }],
  ["482", { kind: "nonsense" }],
  ["482193571", { kind: "nonsense" }],
  ["203*0*113*7", { kind: "address", address: "203.0.113.7" }],
  ["203000113007", { kind: "address", address: "203.0.113.7" }],
  ["010*020*030*040", { kind: "address", address: "10.20.30.40" }],
  ["256*1*1*1", { kind: "nonsense" }],
  ["999999999999", { kind: "nonsense" }],
  ["1*2*3", { kind: "nonsense" }],
  ["1*2*3*4*5", { kind: "nonsense" }],
  ["1**2*3*4", { kind: "nonsense" }],
])("the entry %s means %j", (entry, meaning) => {
  expect(readEntry(entry)).toEqual(meaning);
});
