import { strict as assert } from "node:assert";

/** Something that reads bytes from outside, and what must hold for all of them. A new one: CONTRIBUTING.md, "a fuzz target". */
export interface Target<Result = unknown> {
  /** Also the folder of its found cases: test/vectors/fuzz/NAME. */
  readonly name: string;
  /** Good inputs, which mutations begin with. */
  seeds(): readonly Bytes[];
  /** Words of its language, for the mutations to put in. */
  readonly words?: readonly string[];
  /** How long one input may take, ms; 250 unless said otherwise: far above any honest one on a busy machine. */
  readonly limit?: number;
  /** Runs of the short run; 300 unless said otherwise. */
  readonly runs?: number;
  /** Reads the bytes as the program does. Failures that are documented are part of the result: see `attempt`. */
  run(bytes: Buffer): Result | Promise<Result>;
  /** @throws when what came of the bytes is not as it must be */
  holds?(result: Result, bytes: Buffer): void;
}

/** A seed: bytes, or text that stands for its UTF-8. */
export type Bytes = Buffer | string;

/** Forgets what a target gives back, so that targets of all kinds stand in one list. */
export const target = <Result>(one: Target<Result>): Target => one as Target;

/** What `attempt` gives: the value, or the documented failure. */
export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Error };

/** Calls something that may throw one kind of error; any other is a finding. */
export function attempt<T>(action: () => T, documented: abstract new (...all: never[]) => Error): Attempt<T> {
  try {
    return { ok: true, value: action() };
  } catch (error) {
    if (error instanceof documented) return { ok: false, error };
    throw error;
  }
}

/** Asserts that text may stand on one line of a terminal or log. */
export function assertPrintable(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
}

/** Asserts that no run of characters of what came from outside stands in a text of ours. */
export function assertNothingOf(outside: string, text: string, length: number): void {
  for (let at = 0; at + length <= outside.length; at++)
    assert.ok(!text.includes(outside.slice(at, at + length)), `repeats what came from outside: ${text}`);
}
