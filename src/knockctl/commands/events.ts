import { parseGrantAddress } from "../../shared/address.ts";
import type { AdminVerbs } from "../../shared/gate/verbs.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, misused } from "../failure.ts";
import { eventLine } from "../render/events.ts";
import type { World } from "../world.ts";
import { addressOf, ME } from "./address.ts";
import { answer } from "./answer.ts";
import { given, sinceOf } from "./values.ts";

/** `knockctl history`: what happened, oldest first. */
export const history: Run = async (call, world) => {
  const [since, addr] = [textOption(call, "since"), textOption(call, "addr")];
  const filter = given({
    since: since === undefined ? undefined : sinceOf("--since", since, world.now()),
    user: textOption(call, "user"),
    address: addr === undefined ? undefined : await addressOf(addr, world, "history --addr"),
  });
  const result = await (await world.asker()).ask("history", filter);
  const lines = () => result.events.map((event) => eventLine(event, world.terminal, world.zone));
  const text = () => (result.events.length === 0 ? "nothing happened that is on record" : lines().join("\n"));
  return answer(call, world, { object: result, text });
};

/** How one event is printed: JSON has one object a line, so that a program can read as it goes. */
function liner(call: Call, world: World): (event: Parameters<typeof eventLine>[0]) => string {
  if (isSet(call, "json")) return (event) => JSON.stringify(event);
  return (event) => eventLine(event, world.terminal, world.zone);
}

/** Whom to watch; `me` is the SSH peer, and without one the user of that name. @throws Failure (usage) */
async function watched(call: Call, world: World): Promise<AdminVerbs["watch"]["args"]> {
  const [who] = call.args;
  const user = textOption(call, "user");
  if (who !== undefined && user !== undefined)
    throw misused("whom to watch is said twice", "say it once: knockctl watch ANN, or watch --user ANN");
  const what = who === ME ? ((await world.sshPeer()) ?? ME) : who && (parseGrantAddress(who) ?? who);
  return given({ what, user });
}

/** `knockctl watch`: events as they happen, until interrupted. */
export const watch: Run = async (call, world) => {
  const line = liner(call, world);
  const args = await watched(call, world);
  const asker = await world.asker();
  const whom = call.args[0] === ME && args.what !== ME ? ` ${args.what} (the user: watch --user me)` : "";
  if (world.terminal !== undefined) world.tell(`watching${whom}; Ctrl-C ends`);
  for await (const event of asker.watch(args)) world.say(line(event));
  return EXIT.done;
};
