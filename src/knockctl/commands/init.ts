import { familyOf, parseAddress } from "../../shared/address.ts";
import { hostOfServer } from "../../shared/clients/render.ts";
import type { UserView } from "../../shared/gate/views.ts";
import { settingsToml } from "../../shared/settings/template.ts";
import { isSet, type Run } from "../command.ts";
import { EXIT } from "../failure.ts";
import { stepsText } from "../render/users.ts";
import type { Foundation, Made, World } from "../world.ts";

/** Random letters behind the host name: two servers of one name must not take each other's signed knocks. */
const NAME_LETTERS = 8;

/** What is left of server.name's 64 characters for the host. */
const MAX_HOST = 63 - NAME_LETTERS;

/** @returns this machine's own name as server.name allows it, with room for the random letters. */
function hostPart(text: string): string {
  const allowed = text.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return (allowed === "" ? "server" : allowed).slice(0, MAX_HOST);
}

/** @returns why a host cannot stand in server.name, and what to do; undefined: it can */
function unfit(host: string): string | undefined {
  const address = parseAddress(host);
  if (address !== undefined && familyOf(address) === 6)
    return `an IPv6 address does not fit into the server's name: give any name here, and say the address to each client: user client NAME --host ${host}`;
  if (host.length > MAX_HOST)
    return `too long: at most ${MAX_HOST} characters. Give a shorter name here, and say the long one to each client: user client NAME --host ${host}`;
  if (/^[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)*$/.test(host)) return undefined;
  return "letters, digits, dots and hyphens only, and no port: pbx.example.com, 198.51.100.7";
}

/** Asks until the answer can stand in server.name: what it was bent to would be in every client, and lead nowhere. */
async function askedHost(foundation: Foundation, world: World, fallback: string): Promise<string> {
  for (;;) {
    const host = await foundation.ask("Name or address by which users reach this server", fallback);
    const fault = host === fallback ? undefined : unfit(host);
    if (fault === undefined) return host;
    world.tell(fault);
  }
}

/** @returns the name for a new settings file; nobody is asked when there is one already. */
async function serverName(foundation: Foundation, world: World): Promise<string> {
  const own = hostPart(foundation.hostName);
  const host = (await foundation.settled()) ? own : await askedHost(foundation, world, own);
  return `${host}-${foundation.letters(NAME_LETTERS)}`;
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

/** @returns what is closed now; undefined where only the gate knows and nobody wanted it asked (the package's script) */
async function guardInForce(world: World, mayAsk: boolean): Promise<string | undefined> {
  if (!(await world.exists((await world.paths()).boot))) return "nothing"; // no policy was ever confirmed
  if (!mayAsk) return undefined;
  return (await (await world.asker()).ask("status", {})).firewall.guard;
}

/** How things stand with the doors, and what leads to the commands that change it. */
function doorsText(world: World, guard: string | undefined): string {
  if (guard === "nothing")
    return `Nothing is closed yet. To close the services: guard = "services" in ${world.config}, then`;
  const now = guard === undefined ? "" : `Doors are closed to strangers here already: guard = "${guard}". `;
  return `${now}After a change of the policy in ${world.config}:`;
}

function nextText(world: World, guard: string | undefined): string {
  return [
    "Next:",
    `  ${world.self} status                # is knockd running?`,
    `  ${world.self} list                  # who is let in`,
    doorsText(world, guard),
    `  ${world.self} firewall plan         # what would change`,
    `  ${world.self} firewall apply        # on trial for a minute`,
    `  ${world.self} firewall confirm      # keep it; unless you say so it rolls back by itself`,
  ].join("\n");
}

const madeLine = ({ made, path, what }: Made): string => `${made ? "made" : "kept"}  ${path}  (${what})`;

/** `knockctl init`: makes what is missing; safe to run again. */
export const init: Run = async (call, world) => {
  const foundation = await world.foundation();
  const files = await foundation.lay(settingsToml(await serverName(foundation, world)));
  const { server } = await world.settings();
  const wantsUser = call.options.user !== false;
  const user = wantsUser ? await firstUser(world) : undefined;
  if (isSet(call, "json")) {
    world.say(JSON.stringify({ server: server.name, files, user: user ?? null }, null, 2));
    return EXIT.done;
  }
  const knock = user === undefined ? [] : [knockText(world, user, server.name)];
  const next = nextText(world, await guardInForce(world, wantsUser));
  world.say([files.map(madeLine).join("\n"), ...knock, next].join("\n\n"));
  return EXIT.done;
};
