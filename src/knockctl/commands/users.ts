import type { AdminVerbs } from "../../shared/gate/verbs.ts";
import type { ShownOnce, UserView } from "../../shared/gate/views.ts";
import { type Call, isSet, type Run } from "../command.ts";
import { misused } from "../failure.ts";
import { renderOnce } from "../render/once.ts";
import { renderUser, renderUsers } from "../render/users.ts";
import type { Terminal, World } from "../world.ts";
import { answer } from "./answer.ts";
import { cautions } from "./cautions.ts";
import { given } from "./values.ts";
import { pinOf, wishesOf } from "./wishes.ts";

const nameOf = (call: Call): string => call.args[0] ?? "";

/** The next step after ports were drawn. */
const howToKnock = (world: World, name: string): string =>
  `to knock: ${world.self} user client ${name} > knock-${name}.sh    (on the laptop: bash knock-${name}.sh)`;

/** Fetched late: only an authenticator that a person is there to scan needs a drawing. */
async function drawn({ otp_uri }: ShownOnce, terminal: Terminal | undefined): Promise<string | undefined> {
  if (otp_uri === undefined || terminal === undefined) return undefined;
  return (await import("../render/qr.ts")).qrCode(otp_uri, terminal);
}

/** A user as people read him; without the settings it is only not said how long the default is. */
async function drawnUser(user: UserView, world: World): Promise<string> {
  const usual = await world.settings().then(
    ({ access }) => access,
    () => undefined,
  );
  return renderUser(user, world.terminal, usual, world.now());
}

/** A PIN that was typed is not shown again. */
const news = (call: Call, { pin, ...rest }: ShownOnce): ShownOnce =>
  given({ ...rest, pin: call.options.pin === "-" ? undefined : pin });

/** Answers with a user and, for this once, his new secrets; `next` is a line for people. */
async function tellChanged(
  call: Call,
  world: World,
  { user, once, notes }: AdminVerbs["user_add"]["result"],
  next?: string,
): Promise<number> {
  const fresh = news(call, once);
  const [shown, qr] = isSet(call, "json")
    ? []
    : await Promise.all([drawnUser(user, world), drawn(fresh, world.terminal)]);
  const lines = [shown, ...renderOnce(fresh, world.terminal, qr)];
  const text = () => [...lines, ...(next === undefined ? [] : ["", next])].join("\n");
  return answer(call, world, { object: { ...user, ...fresh }, text, notes });
}

/** `knockctl user add`. */
export const add: Run = async (call, world) => {
  const wishes = await wishesOf(call, world);
  const result = await (await world.asker()).ask("user_add", { name: nameOf(call), ...wishes });
  const notes = [...cautions(wishes, result.user), ...result.notes];
  return tellChanged(call, world, { ...result, notes }, howToKnock(world, result.user.name));
};

/** `knockctl user set`. */
export const set: Run = async (call, world) => {
  const wishes = await wishesOf(call, world);
  if (Object.keys(wishes).length === 0) {
    throw misused("nothing to change was named", "see what can be: knockctl user set --help");
  }
  const result = await (await world.asker()).ask("user_set", { name: nameOf(call), ...wishes });
  const { name } = result.user;
  const anew = `a client made for ${name} before does not fit any more. Make it anew; ${howToKnock(world, name)}`;
  const notes = [...cautions(wishes, result.user), ...result.notes, ...(result.new_client ? [anew] : [])];
  return tellChanged(call, world, { ...result, notes });
};

/** `knockctl user list`. */
export const list: Run = async (call, world) => {
  const result = await (await world.asker()).ask("user_list", {});
  return answer(call, world, {
    object: result,
    text: () => renderUsers(result.users, world.terminal, world.now()),
  });
};

/** `knockctl user show`. */
export const show: Run = async (call, world) => {
  const { user } = await (await world.asker()).ask("user_show", { name: nameOf(call) });
  const shown = isSet(call, "json") ? "" : await drawnUser(user, world);
  return answer(call, world, { object: user, text: () => shown });
};

/** `knockctl user rotate`. */
export const rotate: Run = async (call, world) => {
  const ports = isSet(call, "ports") || undefined;
  const otp = isSet(call, "otp") || undefined;
  if (!ports && !otp && call.options.pin === undefined) {
    throw misused("what shall be drawn anew?", "say --ports, --pin or --otp, or several");
  }
  const pin = (await pinOf(call, world)) ?? undefined;
  const asked = { name: nameOf(call), ...given({ ports, pin, otp }) };
  const result = await (await world.asker()).ask("user_rotate", asked);
  return tellChanged(call, world, result, ports && howToKnock(world, result.user.name));
};

/** `knockctl user remove`. */
export const remove: Run = async (call, world) => {
  const { user, revoked } = await (await world.asker()).ask("user_remove", { name: nameOf(call) });
  const closed = revoked.map(({ address, id }) => `closed: ${address} (${id})`);
  return answer(call, world, { object: user, text: () => [`removed: ${user.name}`, ...closed].join("\n") });
};
