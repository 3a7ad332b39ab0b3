import { COMMANDS } from "../catalogue/all.ts";
import type { Run } from "../command.ts";
import { SHELLS } from "../completion/shells.ts";
import { EXIT, misused } from "../failure.ts";

/** `knockctl completion`. */
export const completion: Run = async (call, world) => {
  const [shell = ""] = call.args;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined)
    throw misused(`no completion for ${JSON.stringify(shell)}`, "name bash, zsh or fish");
  world.say(script(COMMANDS));
  return EXIT.done;
};
