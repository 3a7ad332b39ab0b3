import { hostOfServer } from "../../shared/clients/render.ts";
import type { UserView } from "../../shared/gate/views.ts";
import { settingsToml } from "../../shared/settings/template.ts";
import { isSet, type Run } from "../command.ts";
import { EXIT } from "../failure.ts";
import { stepsText } from "../render/users.ts";
import type { Foundation, Made, World } from "../world.ts";

/** Random letters behind the host name: two servers of one name must not take each other's signed knocks. */
const NAME_LETTERS = 8;

/** @returns a host name as server.name allows it, with room for the random letters. */
function hostPart(text: string): string {
  const allowed = text.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return (allowed === "" ? "server" : allowed).slice(0, 63 - NAME_LETTERS);
}

/** @returns the name for a new settings file; nobody is asked when there is one already. */
async function serverName(foundation: Foundation): Promise<string> {
  const fallback = hostPart(foundation.hostName);
  const question = "Name or address by which users reach this server";
  const host = (await foundation.settled()) ? fallback : await foundation.ask(question, fallback);
  return `${hostPart(host)}-${foundation.letters(NAME_LETTERS)}`;
}

/** Adds `me` to an instance that has no user at all. */
async function firstUser(world: World): Promise<UserView | undefined> {
  const asker = await world.asker();
  const { users } = await asker.ask("user_list", {});
  if (users.length > 0) return undefined;
  return (await asker.ask("user_add", { name: "me", proof: "none" })).user;
}

function knockText(world: World, user: UserView, server: string): string {
  const host = hostOfServer(server);
  return [
    `user me may open ${user.services.join(", ")} by knocking, in this order: ${stepsText(user)}`,
    "",
    "To knock from a laptop, make a script and take it there:",
    `  ${world.self} user client me > knock-me.sh       # there: bash knock-me.sh`,
    "or use Debian's knock:",
    `  knock -d 20 ${host} ${stepsText(user)}`,
  ].join("\n");
}

function nextText(world: World): string {
  return [
    "Next:",
    `  ${world.self} status                # is knockd running?`,
    `  ${world.self} list                  # who is let in`,
    `Nothing is closed yet. To close the services: guard = "services" in ${world.config}, then`,
    `  ${world.self} firewall plan         # what would change`,
    `  ${world.self} firewall apply        # on trial for a minute`,
    `  ${world.self} firewall confirm      # keep it; unless you say so it rolls back by itself`,
  ].join("\n");
}

const madeLine = ({ made, path, what }: Made): string => `${made ? "made" : "kept"}  ${path}  (${what})`;

/** `knockctl init`: makes what is missing; safe to run again. */
export const init: Run = async (call, world) => {
  const foundation = await world.foundation();
  const files = await foundation.lay(settingsToml(await serverName(foundation)));
  const { server } = await world.settings();
  const user = call.options.user === false ? undefined : await firstUser(world);
  if (isSet(call, "json")) {
    world.say(JSON.stringify({ server: server.name, files, user: user ?? null }, null, 2));
    return EXIT.done;
  }
  const knock = user === undefined ? [] : [knockText(world, user, server.name)];
  world.say([files.map(madeLine).join("\n"), ...knock, nextText(world)].join("\n\n"));
  return EXIT.done;
};
