import type { Run } from "../command.ts";
import { grantLine } from "../render/grants.ts";
import { pendingLine, renderPending } from "../render/pending.ts";
import { answer } from "./answer.ts";

/** `knockctl pending`: what waits. */
export const pending: Run = async (call, world) => {
  const result = await (await world.asker()).ask("pending", {});
  const text = () => renderPending(result.pending, world.terminal, world.now());
  return answer(call, world, { object: result, text });
};

/** `knockctl approve`: opens what a knock asked for. */
export const approve: Run = async (call, world) => {
  const { grant } = await (await world.asker()).ask("approve", { id: call.args[0] ?? "" });
  return answer(call, world, { object: grant, text: () => `approved: ${grantLine(grant)}` });
};

/** `knockctl deny`: throws a request away. */
export const deny: Run = async (call, world) => {
  const { pending: request } = await (await world.asker()).ask("deny", { id: call.args[0] ?? "" });
  return answer(call, world, { object: request, text: () => `denied: ${pendingLine(request)}` });
};

/** `knockctl unlock`: forgives wrong tries. */
export const unlock: Run = async (call, world) => {
  const result = await (await world.asker()).ask("unlock", { who: call.args[0] ?? "" });
  const text = () =>
    result.unlocked.length === 0
      ? "nothing was locked"
      : result.unlocked.map((what) => `unlocked: ${what}`).join("\n");
  return answer(call, world, { object: result, text });
};
