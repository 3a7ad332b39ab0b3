import { type Call, isSet } from "../command.ts";
import { EXIT } from "../failure.ts";
import type { World } from "../world.ts";

/** An answer in its two forms: `object` is printed for programs, `text` is drawn for people. */
export interface Answer {
  readonly object: unknown;
  readonly text: () => string;
  /** Things to know that are no part of the answer; on standard error. */
  readonly notes?: readonly string[];
}

/** Prints an answer as the caller wants it. @returns exit code 0 */
export function answer(call: Call, world: World, { object, text, notes = [] }: Answer): number {
  world.say(isSet(call, "json") ? JSON.stringify(object, null, 2) : text());
  for (const note of notes) world.tell(`note: ${note}`);
  return EXIT.done;
}
