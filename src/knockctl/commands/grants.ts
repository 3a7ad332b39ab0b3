import { parseGrantAddress } from "../../shared/address.ts";
import { isSet, type Run, textOption } from "../command.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import { grantLine } from "../render/grants.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { given, listOf, secondsOf } from "./values.ts";

/** @returns the address meant; `me` is the SSH peer. @throws Failure (usage, refused) */
async function addressOf(text: string, world: World): Promise<string> {
  if (text === "me") return peerOf(world, "grant");
  const address = parseGrantAddress(text);
  if (address !== undefined) return address;
  throw misused(
    `${JSON.stringify(text)} is no address`,
    "name an IPv4 or IPv6 address, an IPv6 /64, or `me`",
  );
}

/** @param command what is to be done with it. @returns the SSH peer, canonical. @throws Failure (refused) */
export async function peerOf(world: World, command: string): Promise<string> {
  const peer = await world.sshPeer();
  if (peer !== undefined) return peer;
  const what =
    "`me` is the address of this SSH session, and neither this shell nor its parents came in by SSH";
  throw new Failure(EXIT.refused, what, `name the address: knockctl ${command} 203.0.113.7`);
}

/** `knockctl grant`: opens for an address. */
export const grant: Run = async (call, world) => {
  const [services, ttl] = [textOption(call, "services"), textOption(call, "ttl")];
  const wish = given({
    user: textOption(call, "user"),
    services: services === undefined ? undefined : listOf("--services", services),
    ttl: ttl === undefined ? undefined : secondsOf("--ttl", ttl),
    reason: textOption(call, "reason"),
  });
  const address = await addressOf(call.args[0] ?? "", world);
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

/** `knockctl revoke`: closes at once. */
export const revoke: Run = async (call, world) => {
  const [what] = call.args;
  const all = isSet(call, "all");
  if (all === (what !== undefined)) {
    throw misused(
      all ? "either --all or one of them, not both" : "revoke what?",
      "name an id, an address or a user; or --all",
    );
  }
  const keepSessions = isSet(call, "keepSessions");
  const args = { ...(all ? { all } : given({ what })), ...(keepSessions ? { keep_sessions: true } : {}) };
  const result = await (await world.asker()).ask("revoke", args);
  const lines = result.revoked.map(
    ({ id, address, services }) => `closed: ${address} (${services.join(", ")}; ${id})`,
  );
  const text = () => (lines.length === 0 ? "nothing was open" : lines.join("\n"));
  return answer(call, world, { object: { revoked: result.revoked }, text, notes: result.notes });
};
