import type { Voice } from "./call.ts";

/** Prompts and words by name; digits and letters are words too, named as Asterisk's own recordings. */
export type Word = Prompt | `digits/${string}` | `letters/${string}`;

/**
 * What is said, in Asterisk's recordings (asterisk-core-sounds-en) where they have the words. `own/NAME` is one of ours,
 * sounds/en/NAME: core has no "hour", "day", "code" or "authenticator". A recording that is missing is left out by
 * Asterisk, so each line is built to make sense without ours.
 */
const CORE = {
  ask_pin: ["confbridge-pin"],
  ask_authenticator: ["own/ask-authenticator"],
  incorrect: ["privacy-incorrect", "please-try-again"],
  try_again: ["please-try-again"],
  too_many: ["confbridge-pin-bad"],
  menu: [
    "own/code-or",
    "letters/i",
    "letters/p",
    "number",
    "astcc-followed-by-the-pound-key",
    "digits/star",
    "is",
    "letters/dot",
    "own/commands",
  ],
  you_entered: ["you-entered"],
  last_address: ["your", "vm-last", "letters/i", "letters/p", "number", "is"],
  no_last_address: ["im-sorry", "vm-no", "vm-last", "letters/i", "letters/p", "number"],
  confirm_address: ["if-correct-press", "digits/1", "vm-calldiffnum"],
  request: ["own/request"],
  confirm_request: ["if-correct-press", "digits/1", "vm-press", "digits/2", "for", "vm-no"],
  activated_for: ["activated", "for"],
  nothing_open: ["vm-no", "letters/i", "letters/p", "number", "is", "activated"],
  open: ["letters/i", "letters/p", "number"],
  closed: ["de-activated"],
  callback_code: ["own/callback-code"],
  press_9: ["own/press-nine"],
  held: ["cancelled", "auth-thankyou"],
  unavailable: ["im-sorry", "please-try-call-later"],
  thank_you: ["auth-thankyou"],
  goodbye: ["vm-goodbye"],
  and: ["vm-and"],
  second: ["second"],
  seconds: ["seconds"],
  minute: ["minute"],
  minutes: ["minutes"],
  hour: ["own/hour"],
  hours: ["hours"],
  day: ["own/day"],
  days: ["own/days"],
} as const satisfies Record<string, readonly string[]>;

/** The names of all prompts. */
export type Prompt = keyof typeof CORE;

/** The same in our own recordings; only digits and letters stay Asterisk's. */
const KNOCKLINE: Record<Prompt, readonly string[]> = {
  ask_pin: ["own/ask-pin"],
  ask_authenticator: ["own/ask-authenticator"],
  incorrect: ["own/incorrect"],
  try_again: ["own/try-again"],
  too_many: ["own/too-many"],
  menu: ["own/menu", "own/commands"],
  you_entered: ["own/you-entered"],
  last_address: ["own/last-address"],
  no_last_address: ["own/no-last-address"],
  confirm_address: ["own/confirm-address"],
  request: ["own/request"],
  confirm_request: ["own/confirm-request"],
  activated_for: ["own/activated-for"],
  nothing_open: ["own/nothing-open"],
  open: ["own/open"],
  closed: ["own/closed"],
  callback_code: ["own/callback-code"],
  press_9: ["own/press-nine"],
  held: ["own/held"],
  unavailable: ["own/unavailable"],
  thank_you: ["own/thank-you"],
  goodbye: ["own/goodbye"],
  and: ["own/and"],
  second: ["own/second"],
  seconds: ["own/seconds"],
  minute: ["own/minute"],
  minutes: ["own/minutes"],
  hour: ["own/hour"],
  hours: ["own/hours"],
  day: ["own/day"],
  days: ["own/days"],
};

const VOICES: Record<Voice["sounds"], Record<Prompt, readonly string[]>> = {
  core: CORE,
  knockline: KNOCKLINE,
};

/** Every recording a call can need, `own/NAME` or the name of one of Asterisk's, without digits and letters that are spelt. */
export function recordingsOf(sounds: Voice["sounds"]): string[] {
  return [...new Set(Object.values(VOICES[sounds]).flat())];
}

const isPrompt = (word: Word): word is Prompt => Object.hasOwn(CORE, word);

/** @returns ARI media URIs; ours by absolute path without extension, as Asterisk wants it */
export function mediaOf(line: readonly Word[], { sounds, recordings }: Voice): string[] {
  return line
    .flatMap((word): readonly string[] => (isPrompt(word) ? VOICES[sounds][word] : [word]))
    .map((name) =>
      name.startsWith("own/") ? `sound:${recordings}/en/${name.slice("own/".length)}` : `sound:${name}`,
    );
}
