import type { StatusView } from "../../shared/gate/views.ts";
import type { Run } from "../command.ts";
import { renderFirewall, renderStatus } from "../render/status.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { markProblem } from "./integrate.ts";

/** What the gate says, and what only this side may look at: the host's own firewall is root's. */
async function found(world: World): Promise<StatusView> {
  const view = await (await world.asker()).ask("status", {});
  const mark = view.firewall.accept_mark;
  const problem = mark === null ? undefined : await markProblem(world, mark);
  if (problem === undefined) return view;
  return { ...view, ok: false, knockd: { ...view.knockd, problems: [...view.knockd.problems, problem] } };
}

/** `knockctl status`. The question was answered, so it exits 0 however things stand: programs read `ok`. */
export const status: Run = async (call, world) => {
  const view = await found(world);
  return answer(call, world, { object: view, text: () => renderStatus(view, world.terminal, world.zone) });
};

/** `knockctl firewall status`: the firewall's part of it. */
export const firewallStatus: Run = async (call, world) => {
  const { firewall, knockd } = await found(world);
  return answer(call, world, {
    object: firewall,
    text: () => renderFirewall(firewall, world.terminal, world.zone),
    notes: knockd.problems,
  });
};
