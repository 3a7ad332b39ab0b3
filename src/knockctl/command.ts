import type { World } from "./world.ts";

/** One option of a command. */
export interface Flag {
  /** As the help shows it: `--ttl <time>`, `-w, --watch`. What the placeholder is called decides how Tab completes it. */
  readonly flags: string;
  readonly what: string;
  /** The only values it takes. */
  readonly choices?: readonly string[];
}

/** What a command line option is called and what follows it. */
export interface OptionName {
  /** `-w`, with its hyphen. */
  readonly short?: string | undefined;
  /** `--watch`, with both. */
  readonly long: string;
  readonly value?: string | undefined;
  readonly optional: boolean;
}

/** @returns the parts of a flag as a catalogue writes it: `-w, --watch`, `--ttl <time>`, `--pin [-]`. */
export function optionName(flags: string): OptionName {
  const [, short, long = flags, bracket, value] =
    /^(?:(-\w), )?(--[a-z-]+)(?: ([<[])([^>\]]+)[>\]])?$/.exec(flags) ?? [];
  return { short, long, value, optional: bracket === "[" };
}

/** What was asked for: positional arguments (missing optional ones undefined) and options in camel case. */
export interface Call {
  readonly args: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** Does what a command is for. @returns the exit code; throws what `failure.ts` knows how to tell */
export type Run = (call: Call, world: World) => Promise<number>;

/** A command as data: the command line, the help and the tab completion are all made from it. */
export interface Command {
  /** One word, or two for a command of a group: `list`, `user add`. */
  readonly name: string;
  /** `<required>` and `[optional]`, in order. */
  readonly args?: readonly string[];
  readonly summary: string;
  readonly flags?: readonly Flag[];
  /** What follows `knockctl ` in the help's examples. */
  readonly examples: readonly string[];
  /** Fetches the code late, so that start-up pays for the one command asked for. */
  readonly load: () => Promise<Run>;
}

/** Commands that the overview shows together. */
export interface Topic {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** The option of every command that answers a program. */
export const JSON_FLAG: Flag = { flags: "--json", what: "answer in JSON" };

/** @returns a text option's value, undefined when it was not given. */
export function textOption(call: Call, name: string): string | undefined {
  const value = call.options[name];
  return typeof value === "string" ? value : undefined;
}

/** @returns true when a switch was given. */
export function isSet(call: Call, name: string): boolean {
  return call.options[name] === true;
}
