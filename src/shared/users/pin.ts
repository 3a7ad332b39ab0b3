import type { Random } from "./ports.ts";

/** Digits of a PIN that is drawn. */
export const PIN_LENGTH = 8;
/** More is a mistake, and no phone's user keys it. */
const LONGEST = 16;
/** Tries a day that strangers have in all; the length rule counts with them. */
export const STRANGERS_A_DAY = 200;
/** Wrong tries a day that known callers from outside have in all, for a caller ID can be forged; the length rule counts with them too. */
export const KNOWN_CALLERS_A_DAY = 100;

/**
 * The fewest digits a PIN may have: users x (200 + 100) tries x 30 days must stay under 1 % of all PINs, so that a month of
 * guessing at every user at once, also under forged numbers, finds one with a probability of less than 1 %.
 */
export function shortestPin(users: number): number {
  const triesInAMonth = (STRANGERS_A_DAY + KNOWN_CALLERS_A_DAY) * 30;
  return Math.max(4, Math.ceil(Math.log10(Math.max(1, users) * triesInAMonth * 100)));
}

/** Draws a PIN that is not weak. @throws Error when the generator gives no other */
export function drawPin(length: number, random: Random): string {
  for (let tries = 0; tries < 1_000; tries++) {
    const pin = Array.from({ length }, () => random(10)).join("");
    if (weakness(pin) === undefined) return pin;
  }
  throw new Error("the random generator gives weak PINs only: it cannot be trusted");
}

/** @returns why a PIN must not be used; undefined when it may */
export function pinProblem(pin: string, users: number, phone: string | null): string | undefined {
  if (!/^\d+$/.test(pin)) return "a PIN has digits only";
  const shortest = shortestPin(users);
  if (pin.length < shortest) return `with ${users} users a PIN needs at least ${shortest} digits`;
  if (pin.length > LONGEST) return `a PIN has at most ${LONGEST} digits`;
  if (phone?.replace(/\D/g, "").includes(pin)) return "it is part of the phone number";
  return weakness(pin);
}

/** What a guesser tries first. */
function weakness(pin: string): string | undefined {
  const digits = [...pin].map(Number);
  const steps = new Set(digits.slice(1).map((digit, i) => (digit - (digits[i] ?? 0) + 10) % 10));
  if (steps.size === 1) return "its digits are the same or count up or down";
  if (new Set(digits).size <= 2) return "it has no more than two different digits";
  for (let size = 2; size <= pin.length / 2; size++) {
    if (pin.length % size === 0 && pin === pin.slice(0, size).repeat(pin.length / size))
      return `it repeats ${size} digits`;
  }
  if (/^(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$|^([0-2]\d|3[01])(0[1-9]|1[0-2])(19|20)\d\d$/.test(pin))
    return "it is a date";
  return undefined;
}
