import type { UserView } from "../../shared/gate/views.ts";
import type { Call, Run } from "../command.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import { renderUser, renderUsers } from "../render/users.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { wishesOf } from "./wishes.ts";

const nameOf = (call: Call): string => call.args[0] ?? "";

/** The next step after ports were drawn. */
const howToKnock = (world: World, name: string): string =>
  `to knock: ${world.self} user client ${name} > knock-${name}.sh    (on the laptop: bash knock-${name}.sh)`;

/** Answers with a user; `next` is a line for people. */
function tellUser(call: Call, world: World, user: UserView, notes: readonly string[], next?: string): number {
  const text = () => [renderUser(user, world.terminal), ...(next === undefined ? [] : ["", next])].join("\n");
  return answer(call, world, { object: user, text, notes });
}

/** `knockctl user add`. */
export const add: Run = async (call, world) => {
  const wishes = wishesOf(call);
  if (wishes.proof === undefined) {
    throw new Failure(
      EXIT.refused,
      "a user without a proof must be asked for: whoever sees the three ports on the way may knock them too",
      `if that is what you want: knockctl user add ${nameOf(call)} --proof none (other proofs come with a later version)`,
    );
  }
  const { user, notes } = await (await world.asker()).ask("user_add", { name: nameOf(call), ...wishes });
  return tellUser(call, world, user, notes, howToKnock(world, user.name));
};

/** `knockctl user set`. */
export const set: Run = async (call, world) => {
  const wishes = wishesOf(call);
  if (Object.keys(wishes).length === 0) {
    throw misused("nothing to change was named", "see what can be: knockctl user set --help");
  }
  const { user, notes } = await (await world.asker()).ask("user_set", { name: nameOf(call), ...wishes });
  return tellUser(call, world, user, notes);
};

/** `knockctl user list`. */
export const list: Run = async (call, world) => {
  const result = await (await world.asker()).ask("user_list", {});
  return answer(call, world, { object: result, text: () => renderUsers(result.users, world.terminal) });
};

/** `knockctl user show`. */
export const show: Run = async (call, world) => {
  const { user } = await (await world.asker()).ask("user_show", { name: nameOf(call) });
  return tellUser(call, world, user, []);
};

/** `knockctl user rotate`: for now a user has no secret but the ports. */
export const rotate: Run = async (call, world) => {
  const { user, notes } = await (await world.asker()).ask("user_rotate", { name: nameOf(call), ports: true });
  return tellUser(call, world, user, notes, howToKnock(world, user.name));
};

/** `knockctl user remove`. */
export const remove: Run = async (call, world) => {
  const { user, revoked } = await (await world.asker()).ask("user_remove", { name: nameOf(call) });
  const closed = revoked.map(({ address, id }) => `closed: ${address} (${id})`);
  return answer(call, world, { object: user, text: () => [`removed: ${user.name}`, ...closed].join("\n") });
};
