import type { UserWishes } from "../../shared/gate/verbs.ts";
import { type Call, isSet, textOption } from "../command.ts";
import { misused } from "../failure.ts";
import type { World } from "../world.ts";
import { dateOf, given, listOf, secondsOf } from "./values.ts";

/** Reads an option when it was given. */
function when<T>(call: Call, name: string, read: (text: string) => T): T | undefined {
  const text = textOption(call, name);
  return text === undefined ? undefined : read(text);
}

/** A time, or null for the word that takes a user's own time away again. */
const timeOr = (option: string, word: string) => (text: string) =>
  text === word ? null : secondsOf(option, text);

function stepsOf(text: string): ("udp" | "tcp")[] {
  const steps = listOf("--steps", text);
  const known = steps.every((step): step is "udp" | "tcp" => step === "udp" || step === "tcp");
  if (known && steps.length === 3) return steps;
  throw misused(
    `--steps: ${JSON.stringify(text)} is not three steps`,
    "write udp or tcp three times: udp,udp,udp",
  );
}

function enabledOf(call: Call): boolean | undefined {
  const [disable, enable] = [isSet(call, "disable"), isSet(call, "enable")];
  if (disable && enable) throw misused("both --disable and --enable", "give one of them");
  return disable || enable ? enable : undefined;
}

/**
 * The PIN that was asked for: one to draw (true), one to take away (null), or the one on standard input.
 * @throws Failure (usage)
 */
export async function pinOf(call: Call, world: World): Promise<string | true | null | undefined> {
  const { pin } = call.options;
  if (pin === "-") return world.readSecret("PIN");
  return pin === true ? true : pin === false ? null : undefined;
}

/** The text of the file of keys; null takes the keys away. @throws Failure */
async function sshKeysOf(call: Call, world: World): Promise<string | null | undefined> {
  const { sshKey, pin } = call.options;
  if (sshKey === "-" && pin === "-")
    throw misused("--ssh-key - and --pin - both read standard input", "name the file of keys");
  if (typeof sshKey === "string") return world.readText(sshKey);
  return sshKey === false ? null : undefined;
}

function otpOf({ options: { otp } }: Call): true | null | undefined {
  return otp === true ? true : otp === false ? null : undefined;
}

/** Reads the options of `user add` and `user set`; what was not given is not in the answer. @throws Failure (usage) */
export async function wishesOf(call: Call, world: World): Promise<UserWishes> {
  return given({
    services: when(call, "services", (text) => listOf("--services", text)),
    // commander has checked the choices
    proof: when(call, "proof", (text) => text as NonNullable<UserWishes["proof"]>),
    approval: when(call, "approval", (text) => text as NonNullable<UserWishes["approval"]>),
    ttl: when(call, "ttl", timeOr("--ttl", "default")),
    max_ttl: when(call, "maxTtl", timeOr("--max-ttl", "default")),
    expires: when(call, "expires", (text) => (text === "never" ? null : dateOf("--expires", text))),
    steps: when(call, "steps", stepsOf),
    enabled: enabledOf(call),
    phone: when(call, "phone", (text) => (text === "none" ? null : text)),
    callers: when(call, "callers", (text) => (text === "any" ? [] : listOf("--callers", text))),
    otp: otpOf(call),
    ssh_keys: await sshKeysOf(call, world),
    // last: nobody is asked for a PIN when another option is wrong
    pin: await pinOf(call, world),
  });
}
