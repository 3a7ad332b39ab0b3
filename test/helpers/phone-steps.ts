import type { AsteriskCall } from "./asterisk.ts";
import type { PhoneScene } from "./asterisk-scene.ts";
import type { User } from "./instance.ts";
import { until } from "./wait.ts";

/** PINs of the users that the steps need. */
export interface Pins {
  readonly plain: string;
  /** Of a user with an authenticator. */
  readonly guarded: string;
  /** Of a user with a request that waits, and showed no code. */
  readonly asked: string;
}

/** An address that nobody in the lab has. */
const ADDRESS = "203*0*113*99#";

/** With this begins the question for a code or an address. */
const MENU = "code-or";

/** Keys a PIN and waits for the question that follows. */
async function signIn(call: AsteriskCall, pin: string, next = MENU): Promise<void> {
  await call.hears("confbridge-pin");
  await call.press(`${pin}#`);
  await call.hears(next);
}

async function wrong(call: AsteriskCall, times: number): Promise<void> {
  await call.hears("confbridge-pin");
  for (let n = 1; n <= times; n++) {
    await call.press(`${n}#`);
    await call.hears(n < 3 ? "privacy-incorrect" : "confbridge-pin-bad", n < 3 ? n : 1);
  }
}

/** Every place where a call can stand: how a caller gets there. What he does then is the test's business. */
export const STEPS: Readonly<Record<string, (call: AsteriskCall, pins: Pins) => Promise<void>>> = {
  "before anything is said": async () => undefined,
  "at the question for the PIN": (call) => call.hears("confbridge-pin"),
  "in the middle of the PIN": (call, { plain }) => call.press(plain.slice(0, 4)),
  "with the PIN just keyed": (call, { plain }) => call.press(`${plain}#`),
  "after a wrong PIN": (call) => wrong(call, 1),
  "at the last words after three wrong PINs": (call) => wrong(call, 3),
  "at the question for the authenticator's code": (call, { guarded }) =>
    signIn(call, guarded, "ask-authenticator"),
  "in the middle of the authenticator's code": async (call, { guarded }) => {
    await signIn(call, guarded, "ask-authenticator");
    await call.press("123");
  },
  "at the menu": (call, { plain }) => signIn(call, plain),
  "in the middle of a code": async (call, { plain }) => {
    await signIn(call, plain);
    await call.press("482");
  },
  "in the middle of an address": async (call, { plain }) => {
    await signIn(call, plain);
    await call.press("203*0*");
  },
  "after a lone star": async (call, { plain }) => {
    await signIn(call, plain);
    await call.press("*");
  },
  "at the read-back of an address": async (call, { plain }) => {
    await signIn(call, plain);
    await call.press(ADDRESS);
    await call.hears("you-entered");
  },
  "while a request is read out": (call, { asked }) => signIn(call, asked, "request"),
  "after hearing what is open": async (call, { plain }) => {
    await signIn(call, plain);
    await call.press("*5");
    await call.hears("activated");
  },
  "after noise": (call) => call.press("*#*#*#*#"),
  "after forty digits": (call) => call.press(`${"0123456789".repeat(4)}#`),
};

/** Adds the users, and leaves the request that one of them needs. */
export async function addCallers({ instance, scene }: PhoneScene): Promise<Pins> {
  const add = async (name: string, options: string[] = []) =>
    (await instance.addUser(name, ["--pin", ...options])) as User & { pin: string };
  const [plain, guarded] = [await add("plain"), await add("guarded", ["--otp"])];
  const asked = await add("asked", ["--approval", "phone"]);
  await instance.knock(scene.hosts.laptop, asked);
  await until(async () => (await instance.json(["pending"])).pending.length === 1, {
    what: "a request waits",
    every: 200,
  });
  return { plain: plain.pin, guarded: guarded.pin, asked: asked.pin };
}

/** Calls from within Asterisk, each step from a number of its own. */
export function dialFor(scene: PhoneScene, step: string, copy = 0): Promise<AsteriskCall> {
  const number = String(6_000_000 + copy * 100 + Object.keys(STEPS).indexOf(step));
  return scene.asterisk.call({ number });
}

/** Calls, and goes on to a step. */
export async function callTo(scene: PhoneScene, step: string, pins: Pins): Promise<AsteriskCall> {
  const call = await dialFor(scene, step);
  await STEPS[step]?.(call, pins);
  return call;
}
