import { type Call, isSet, type Run } from "../command.ts";
import { EXIT, misused } from "../failure.ts";
import { renderGrants } from "../render/grants.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";

async function follow(call: Call, world: World): Promise<number> {
  if (world.terminal === undefined || isSet(call, "json")) {
    throw misused("list --watch draws on a terminal", "for programs: knockctl watch --json");
  }
  const asker = await world.asker();
  await world.redraw(async () => renderGrants((await asker.ask("list", {})).grants, world.terminal));
  return EXIT.done;
}

/** `knockctl list`: what is open. */
export const list: Run = async (call, world) => {
  if (isSet(call, "watch")) return follow(call, world);
  const result = await (await world.asker()).ask("list", {});
  return answer(call, world, { object: result, text: () => renderGrants(result.grants, world.terminal) });
};
