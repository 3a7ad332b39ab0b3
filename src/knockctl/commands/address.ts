import { parseGrantAddress } from "../../shared/address.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import type { World } from "../world.ts";

/** What stands for the address of the SSH peer, wherever an address may stand. */
export const ME = "me";

/**
 * @param command what is to be done with it, for the cure
 * @returns the address meant, canonical; `me` is the SSH peer
 * @throws Failure (usage, refused)
 */
export async function addressOf(text: string, world: World, command: string): Promise<string> {
  if (text === ME) return peerOf(world, command);
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
