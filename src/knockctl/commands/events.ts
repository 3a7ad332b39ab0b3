import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT } from "../failure.ts";
import { eventLine } from "../render/events.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { given, sinceOf } from "./values.ts";

/** `knockctl history`: what happened, oldest first. */
export const history: Run = async (call, world) => {
  const since = textOption(call, "since");
  const filter = given({
    since: since === undefined ? undefined : sinceOf("--since", since, world.now()),
    user: textOption(call, "user"),
    address: textOption(call, "addr"),
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

/** `knockctl watch`: events as they happen, until interrupted. */
export const watch: Run = async (call, world) => {
  const line = liner(call, world);
  const asker = await world.asker();
  if (world.terminal !== undefined) world.tell("watching; Ctrl-C ends");
  for await (const event of asker.watch(given({ what: call.args[0] }))) world.say(line(event));
  return EXIT.done;
};
