import type { Command } from "../command.ts";
import { fish } from "./fish.ts";
import { bash, zsh } from "./posix.ts";

/** The shells there is a completion for. */
export const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => string>> = { bash, zsh, fish };
