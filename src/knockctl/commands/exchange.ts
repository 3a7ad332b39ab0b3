import type { AdminVerbs } from "../../shared/gate/verbs.ts";
import { isSet, type Run } from "../command.ts";
import { EXIT, misused } from "../failure.ts";
import { renderOnce } from "../render/once.ts";
import { answer } from "./answer.ts";
import { given } from "./values.ts";

/** Two thousand users with sixteen keys each stay below. Bytes. */
const MOST = 32 << 20;

/** `knockctl user export`: JSON always, for it is for a program. */
export const exportUsers: Run = async (call, world) => {
  const secrets = isSet(call, "withSecrets") || undefined;
  const result = await (await world.asker()).ask("user_export", given({ name: call.args[0], secrets }));
  world.say(JSON.stringify(result, null, 2));
  if (secrets) world.tell("note: whoever reads this knows the ports; keep it as private as the secret file");
  return EXIT.done;
};

/** `knockctl user import`: makes users what a file says; a second time it changes nothing. */
export const importUsers: Run = async (call, world) => {
  const text = await world.readText(call.args[0] ?? "", MOST);
  const result = await (await world.asker()).ask("user_import", parsed(text));
  const changed = result.users.filter(({ change }) => change !== "unchanged");
  const lines = result.users.flatMap(({ name, change, once }) => [
    `${change}: ${name}`,
    ...renderOnce(once, world.terminal, undefined).filter((line) => line !== ""),
  ]);
  const nothing = changed.length === 0 ? ["nothing to change: all is as the file says"] : [];
  return answer(call, world, { object: result, text: () => [...lines, ...nothing].join("\n") });
};

/** The gate looks at every field; here it must only be JSON with users. */
function parsed(text: string): AdminVerbs["user_import"]["args"] {
  try {
    const value = JSON.parse(text);
    if (Array.isArray(value?.users)) return value;
  } catch {
    // told below, in the same words
  }
  throw misused("this is no list of users", "give what `knockctl user export` prints");
}
