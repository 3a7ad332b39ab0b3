import type { Run } from "../command.ts";
import { renderStatus } from "../render/status.ts";
import { answer } from "./answer.ts";

/** `knockctl status`. The question was answered, so it exits 0 however things stand: programs read `ok`. */
export const status: Run = async (call, world) => {
  const found = await (await world.asker()).ask("status", {});
  return answer(call, world, { object: found, text: () => renderStatus(found, world.terminal, world.zone) });
};
