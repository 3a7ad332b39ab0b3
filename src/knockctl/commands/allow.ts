import { parseAddress } from "../../shared/address.ts";
import { parseDuration } from "../../shared/duration.ts";
import {
  isToml,
  type ListedWish,
  type ParsedList,
  parsePlain,
  printPlain,
  readTomlList,
} from "../allow-file.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, misused } from "../failure.ts";
import { allowLine, renderAllowlist, renderLookup } from "../render/allow.ts";
import type { World } from "../world.ts";
import { ME, peerOf } from "./address.ts";
import { answer } from "./answer.ts";
import { dateOf, given, listOf } from "./values.ts";

/** 20,000 long names with notes. Bytes. */
const LONGEST_LIST = 4 << 20;

/** @returns the end meant by a time from now, or by a date. @throws Failure (usage) */
function endOf(option: string, text: string, now: number): string {
  const span = parseDuration(text);
  return span === undefined ? dateOf(option, text, "30d, ") : new Date(now + span).toISOString();
}

/** What an entry is called by; `me` is the SSH peer. @throws Failure (refused) */
async function entryOf(call: Call, world: World, command: string): Promise<string> {
  const said = call.args[0] ?? "";
  return said === ME ? peerOf(world, command) : said;
}

/** `knockctl allow add`. */
export const add: Run = async (call, world) => {
  const [services, expires] = [textOption(call, "services"), textOption(call, "expires")];
  const wish = given({
    services: services === undefined ? undefined : listOf("--services", services),
    note: textOption(call, "note"),
    expires: expires === undefined ? undefined : endOf("--expires", expires, world.now()),
    wide: isSet(call, "yes") || undefined,
  });
  const what = await entryOf(call, world, "allow add");
  const { entry, placed, notes } = await (await world.asker()).ask("allow_add", { what, ...wish });
  const done = { added: "allowed", changed: "changed", same: "is so already" }[placed];
  return answer(call, world, { object: entry, text: () => `${done}: ${allowLine(entry)}`, notes });
};

/** `knockctl allow list`. */
export const list: Run = async (call, world) => {
  const result = await (await world.asker()).ask("allow_list", {});
  return answer(call, world, { object: result, text: () => renderAllowlist(result.entries, world.terminal) });
};

/** `knockctl allow remove`. */
export const remove: Run = async (call, world) => {
  const keep = isSet(call, "keepSessions") ? { keep_sessions: true } : {};
  const what = await entryOf(call, world, "allow remove");
  const { entry, notes } = await (await world.asker()).ask("allow_remove", { what, ...keep });
  return answer(call, world, { object: entry, text: () => `removed: ${allowLine(entry)}`, notes });
};

/** `knockctl allow refresh`. */
export const refresh: Run = async (call, world) => {
  const { entries, notes } = await (await world.asker()).ask("allow_refresh", given({ name: call.args[0] }));
  const text = () =>
    entries.length === 0 ? "no name is on the allowlist" : renderAllowlist(entries, world.terminal);
  return answer(call, world, { object: { entries }, text, notes });
};

/** `knockctl allow import`. */
export const importList: Run = async (call, world) => {
  const entries = await wishesIn(call.args[0] ?? "", world);
  const wide = isSet(call, "yes") ? { wide: true } : {};
  const { notes, ...counts } = await (await world.asker()).ask("allow_import", { entries, ...wide });
  const text = () => `${counts.added} added, ${counts.changed} changed, ${counts.same} as they were`;
  return answer(call, world, { object: counts, text, notes });
};

/** `knockctl allow export`. */
export const exportList: Run = async (call, world) => {
  const result = await (await world.asker()).ask("allow_list", {});
  return answer(call, world, { object: result, text: () => printPlain(result.entries) });
};

/** `knockctl allow lookup`. */
export const lookup: Run = async (call, world) => {
  const said = call.args[0] ?? "";
  const address = said === ME ? await peerOf(world, "allow lookup") : parseAddress(said);
  if (address === undefined)
    throw misused(`${JSON.stringify(said)} is no address`, "name one IPv4 or IPv6 address, or `me`");
  const result = await (await world.asker()).ask("allow_lookup", { address });
  answer(call, world, { object: result, text: () => renderLookup(result, world.terminal) });
  return result.entries.length === 0 ? EXIT.notFound : EXIT.done;
};

/** @throws Failure (usage) naming each line that is not understood */
async function wishesIn(path: string, world: World): Promise<ListedWish[]> {
  const text = await world.readText(path, LONGEST_LIST);
  const parsed: ParsedList = isToml(text) ? readTomlList(text, await world.tryToml(text)) : parsePlain(text);
  if (parsed.ok) return parsed.wishes;
  throw misused(
    parsed.faults.slice(0, 20).join("\n"),
    "correct the file; nothing was imported. The format: docs/allowlist.md",
  );
}
