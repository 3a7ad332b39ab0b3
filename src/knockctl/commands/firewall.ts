import { isSet, type Run, textOption } from "../command.ts";
import { misused } from "../failure.ts";
import { renderPlan } from "../render/plan.ts";
import { clockText } from "../render/time.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { secondsOf } from "./values.ts";

const TRIAL_SECONDS = 60;

/** `knockctl firewall plan`: what would change, which doors would close, and who would stay in. */
export const plan: Run = async (call, world) => {
  const [listening, { peers }] = await Promise.all([world.listening(), world.sshSessions()]);
  const asked = { listening, ssh_peers: [...peers] };
  const result = await (await world.asker()).ask("firewall_plan", asked);
  const nft = isSet(call, "nft") ? `\n\n${result.text}` : "";
  const text = () => renderPlan(result, world.self, world.terminal) + nft;
  return answer(call, world, { object: result, text });
};

interface Trial {
  readonly ends: string;
  readonly length: number;
  readonly kept: readonly { readonly address: string }[];
}

function trialText(world: World, { ends, length, kept }: Trial): string {
  const peers = [...new Set(kept.map(({ address }) => address))].join(", ");
  return [
    `on trial until ${clockText(ends, world.zone)}: in ${length} s the kernel rolls back by itself`,
    ...(peers === "" ? [] : [`held open for 15 minutes, so that you are not shut out: ${peers}`]),
    "Open a second session now. When that works, keep it:",
    `  ${world.self} firewall confirm`,
    "or take it back at once:",
    `  ${world.self} firewall rollback`,
  ].join("\n");
}

/** `knockctl firewall apply`: on trial, unless --now. Whoever is logged in by SSH is held open. */
export const apply: Run = async (call, world) => {
  const [now, confirmText] = [isSet(call, "now"), textOption(call, "confirm")];
  if (now && confirmText !== undefined) throw misused("both --now and --confirm", "give one of them");
  const length = confirmText === undefined ? TRIAL_SECONDS : secondsOf("--confirm", confirmText);
  const asker = await world.asker();
  const { ports, peers } = await world.sshSessions();
  const result = await asker.ask("firewall_apply", {
    ...(now ? { now } : { confirm: length }),
    keep: [...peers],
    ssh_ports: [...ports],
  });
  const { notes, ...object } = result;
  const text = () =>
    result.ends === null
      ? "confirmed: the settings are in force"
      : trialText(world, { ...result, ends: result.ends, length });
  return answer(call, world, { object, text, notes });
};

/** `knockctl firewall confirm`. */
export const confirm: Run = async (call, world) => {
  const result = await (await world.asker()).ask("firewall_confirm", {});
  return answer(call, world, { object: result, text: () => "confirmed: it stays" });
};

/** `knockctl firewall rollback`. */
export const rollback: Run = async (call, world) => {
  const result = await (await world.asker()).ask("firewall_rollback", {});
  return answer(call, world, { object: result, text: () => result.state });
};

/** `knockctl firewall teardown`. */
export const teardown: Run = async (call, world) => {
  const result = await (await world.asker()).ask("firewall_teardown", {});
  return answer(call, world, {
    object: result,
    text: () => "removed: nothing is closed by knockline any more",
  });
};
