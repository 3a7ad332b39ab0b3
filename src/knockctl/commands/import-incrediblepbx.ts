import { isUserName } from "../../shared/users/user.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import { newUsers } from "../incrediblepbx/new-users.ts";
import { type TakeOver, takeOver } from "../incrediblepbx/take-over.ts";
import { remarkLine, renderTakeOver } from "../render/take-over.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { folderOf, given, listOf } from "./values.ts";

/** What is told of many problems. */
const TOLD = 20;

function listOption(call: Call, name: string): string[] | undefined {
  const text = textOption(call, name);
  return text === undefined ? undefined : listOf(`--${name}`, text);
}

function peopleOf(call: Call): string[] | undefined {
  const people = listOption(call, "users");
  const wrong = people?.find((name) => !isUserName(name));
  if (wrong === undefined) return people;
  throw misused(
    `--users: ${JSON.stringify(wrong)} can be no user`,
    "small letters, digits, - and _: ann,bob",
  );
}

/** @throws Failure (refused): with a line that is not understood nothing is imported */
function refuseProblems({ problems }: TakeOver): void {
  if (problems.length === 0) return;
  const lines = problems.slice(0, TOLD).map(remarkLine);
  const more = problems.length > TOLD ? [`and ${problems.length - TOLD} more`] : [];
  throw new Failure(
    EXIT.refused,
    [...lines, ...more].join("\n"),
    "correct these lines, in a copy if you like, and name its folder; nothing was imported",
  );
}

/** Lets the gate take all entries or none. @returns how many were new; null for a rehearsal */
async function carryOut(call: Call, world: World, { entries }: TakeOver) {
  if (isSet(call, "dryRun")) return null;
  if (entries.length === 0) return { added: 0, changed: 0, same: 0, notes: [] };
  const wishes = entries.map(({ what, services, note, from }) => ({
    line: from[0]?.line ?? 1,
    what,
    services: [...services],
    ...given({ note: note ?? undefined }),
  }));
  const wide = isSet(call, "yes") ? { wide: true } : {};
  return (await world.asker()).ask("allow_import", { entries: wishes, ...wide });
}

/** `knockctl import incrediblepbx`: whom the installation lets in for good, onto the allowlist; a second time it changes nothing. */
export const importIncrediblePbx: Run = async (call, world) => {
  const [only, people] = [listOption(call, "services"), peopleOf(call)];
  const { services } = (await world.settings()).policy;
  const root = await folderOf("import incrediblepbx", call.args[0] ?? "/", world);
  const files = await world.installation(root);
  if (files.length === 0)
    throw new Failure(
      EXIT.notFound,
      `nothing of an Incredible PBX is under ${root}`,
      "name the folder that etc, root and usr are in: `/` on the PBX itself",
    );
  const found = takeOver(files, { services, only, wide: isSet(call, "yes") });
  const commands = newUsers(found.knockd?.sequences ?? [], people, services).map(
    (line) => `${world.self} ${line}`,
  );
  if (!isSet(call, "dryRun")) refuseProblems(found);
  const done = await carryOut(call, world, found);
  const { notes = [], ...counts } = done ?? {};
  const { knockd, ...rest } = found;
  const object = { ...rest, knockd: knockd?.sequences ?? [], commands, done: done && counts };
  answer(call, world, { object, text: () => renderTakeOver(found, commands, done, world.terminal), notes });
  return found.problems.length === 0 ? EXIT.done : EXIT.refused;
};
