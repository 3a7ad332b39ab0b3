import type { PhoneGrant } from "../../shared/gate/phone-verbs.ts";
import type { Prompt, Word } from "./prompts.ts";

/** What is said in one go. */
export type Line = readonly Word[];

const MARKS: Readonly<Record<string, Word>> = {
  ".": "letters/dot",
  ":": "letters/ascii58",
  "/": "letters/slash",
};

/** Spells digits, an IPv4 or IPv6 address, or a /64, a character a word; what cannot be spelt is left out. */
export function spell(text: string): Word[] {
  return [...text.toLowerCase()].map(wordOf).filter((word) => word !== undefined);
}

function wordOf(char: string): Word | undefined {
  if (/\d/.test(char)) return `digits/${char}`;
  return /[a-f]/.test(char) ? `letters/${char}` : MARKS[char];
}

/** @returns a whole number of 0 to 999,999 as it is read in English: 45 is "forty", "five" */
export function numberWords(n: number): Word[] {
  if (n >= 1000) return [...numberWords(Math.floor(n / 1000)), "digits/thousand", ...rest(n % 1000)];
  if (n >= 100) return [`digits/${Math.floor(n / 100)}`, "digits/hundred", ...rest(n % 100)];
  if (n <= 20 || n % 10 === 0) return [`digits/${n}`];
  return [`digits/${n - (n % 10)}`, `digits/${n % 10}`];
}

const rest = (n: number): Word[] => (n === 0 ? [] : numberWords(n));

interface Unit {
  readonly size: number;
  readonly one: Prompt;
  readonly many: Prompt;
}

const UNITS: readonly Unit[] = [
  { size: 86_400, one: "day", many: "days" },
  { size: 3_600, one: "hour", many: "hours" },
  { size: 60, one: "minute", many: "minutes" },
  { size: 1, one: "second", many: "seconds" },
];

/** A single unit stays the smaller one until two of it are full only for days: "thirty-six hours", as people say. */
const fits = (seconds: number, { size }: Unit): boolean => seconds >= (size === 86_400 ? 2 * size : size);

const count = (n: number, { one, many }: Unit): Word[] =>
  n === 0 ? [] : [...numberWords(n), n === 1 ? one : many];

/**
 * Says a time in at most two units, rounded down: "one hour", "one hour and thirty minutes".
 * @param seconds whole seconds, not negative
 */
export function durationWords(seconds: number): Word[] {
  const whole = Math.max(0, Math.floor(seconds));
  const first = UNITS.findIndex((unit) => fits(whole, unit));
  const [big, small] = UNITS.slice(first);
  if (big === undefined || first === -1) return ["digits/0", "seconds"];
  const left = small === undefined ? [] : count(Math.floor((whole % big.size) / small.size), small);
  return [
    ...count(Math.floor(whole / big.size), big),
    ...(left.length > 0 ? (["and"] as const) : []),
    ...left,
  ];
}

/** "Activated for one hour". */
export const activated = ({ seconds }: PhoneGrant): Line => ["activated_for", ...durationWords(seconds)];

/** So many are read out at most: a caller will not listen to more. */
const READ_OUT = 5;

/** What is open, an address and its time each. */
export function openLine(open: readonly PhoneGrant[]): Line {
  if (open.length === 0) return ["nothing_open"];
  return open
    .slice(0, READ_OUT)
    .flatMap((grant) => ["open", ...spell(grant.address), ...activated(grant)] as const);
}
