import type { AdminVerbs } from "../../shared/gate/verbs.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { misused } from "../failure.ts";
import { grantLine } from "../render/grants.ts";
import type { World } from "../world.ts";
import { addressOf, ME } from "./address.ts";
import { answer } from "./answer.ts";
import { given, listOf, secondsOf } from "./values.ts";

/** `knockctl grant`: opens for an address. */
export const grant: Run = async (call, world) => {
  const [services, ttl] = [textOption(call, "services"), textOption(call, "ttl")];
  const wish = given({
    user: textOption(call, "user"),
    services: services === undefined ? undefined : listOf("--services", services),
    ttl: ttl === undefined ? undefined : secondsOf("--ttl", ttl),
    reason: textOption(call, "reason"),
  });
  const address = await addressOf(call.args[0] ?? "", world, "grant");
  const result = await (await world.asker()).ask("grant", { address, ...wish });
  const done = result.renewed ? "renewed" : "opened";
  const text = () => `${done}: ${grantLine(result.grant)}`;
  return answer(call, world, { object: result.grant, text, notes: result.notes });
};

/** `knockctl extend`: more time for a grant. */
export const extend: Run = async (call, world) => {
  const ttl = textOption(call, "ttl");
  if (ttl === undefined) throw misused("for how long?", "say it with --ttl 2h, counted from now");
  const length = secondsOf("--ttl", ttl);
  const result = await (await world.asker()).ask("extend", { id: call.args[0] ?? "", ttl: length });
  return answer(call, world, {
    object: result.grant,
    text: () => grantLine(result.grant),
    notes: result.notes,
  });
};

/** What is to be closed; exactly one way to say it. @throws Failure (usage) */
async function meantBy(
  call: Call,
  world: World,
): Promise<Pick<AdminVerbs["revoke"]["args"], "what" | "user" | "all">> {
  const [what] = call.args;
  const user = textOption(call, "user");
  const said = given({ what, user, all: isSet(call, "all") || undefined });
  const ways = Object.keys(said).length;
  if (ways !== 1)
    throw misused(
      ways === 0 ? "revoke what?" : "an id or an address, --user, --all: only one of them",
      "name an id, an address or a user; or --all",
    );
  return what === ME ? { what: await meOrUser(world) } : said;
}

/**
 * `me` is the SSH peer, and the name of the user that `init` makes: where that one has something open elsewhere, both may
 * be meant. @returns the peer; without one the user is meant. @throws Failure (usage) where it is not clear
 */
async function meOrUser(world: World): Promise<string> {
  const peer = await world.sshPeer();
  if (peer === undefined) return ME;
  const { grants } = await (await world.asker()).ask("list", {});
  const hasOpen = grants.some(({ user }) => user === ME);
  const isSame = grants.every(({ user, address }) => (user === ME) === (address === peer));
  if (!hasOpen || isSame) return peer;
  throw misused(
    `\`me\` is ${peer}, from where you are logged in, and a user who has something open`,
    `say which is to be closed: knockctl revoke ${peer}, or knockctl revoke --user me`,
  );
}

/** `knockctl revoke`: closes at once. */
export const revoke: Run = async (call, world) => {
  const keepSessions = isSet(call, "keepSessions");
  const args = { ...(await meantBy(call, world)), ...(keepSessions ? { keep_sessions: true } : {}) };
  const result = await (await world.asker()).ask("revoke", args);
  const lines = result.revoked.map(
    ({ id, address, services }) => `closed: ${address} (${services.join(", ")}; ${id})`,
  );
  const text = () => (lines.length === 0 ? "nothing was open" : lines.join("\n"));
  return answer(call, world, { object: { revoked: result.revoked }, text, notes: result.notes });
};
