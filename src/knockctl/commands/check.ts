import { formatProblem, SettingsError } from "../../shared/settings/problem.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import { isSet, type Run } from "../command.ts";
import { EXIT } from "../failure.ts";
import type { World } from "../world.ts";

/** What a check came to: each problem one string; notes are no problems. */
interface Checked {
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** What a step of the check finds wrong; other errors than those of settings are not ours to swallow. */
async function findings(step: () => Promise<unknown>): Promise<string[]> {
  try {
    await step();
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const problems = error.problems.map(formatProblem);
    return problems.length > 1 ? problems : problems.map((problem) => `${problem}; ${error.cure}`);
  }
}

/** Problems of users under these settings. Without a store there are none, and asking would make one. */
async function userProblems(world: World, { paths }: Settings): Promise<string[]> {
  if (!(await world.exists(paths.db))) return [];
  return (await (await world.asker()).ask("check", {})).problems;
}

/** A file that no instance was made of yet, one to be tried: it lacks nothing. */
async function isAlone(world: World, { paths }: Settings): Promise<boolean> {
  return !(await world.exists(paths.secret)) && !(await world.exists(paths.db));
}

async function check(world: World): Promise<Checked> {
  let settings: Settings | undefined;
  const unreadable = await findings(async () => {
    settings = await world.settings();
  });
  if (settings === undefined) return { problems: unreadable, notes: [] };
  const { paths } = settings;
  if (await isAlone(world, settings)) {
    const note = "no instance was made of this file yet, so nothing but the settings was checked";
    return { problems: [], notes: [note] };
  }
  const secret = await findings(() => world.checkSecret(paths));
  // a gate without its secret does not start
  return { problems: secret.length > 0 ? secret : await userProblems(world, settings), notes: [] };
}

/** `knockctl config check`: changes nothing; exits 1 when there is something to correct. */
export const checkConfig: Run = async (call, world) => {
  const { problems, notes } = await check(world);
  const ok = problems.length === 0;
  if (isSet(call, "json")) {
    world.say(JSON.stringify({ ok, problems, notes }, null, 2));
    return ok ? EXIT.done : EXIT.refused;
  }
  for (const note of notes) world.tell(`note: ${note}`);
  if (ok) world.say(`${world.config}: no problem found`);
  else world.tell(`${world.config}:\n${problems.map((line) => `  ${line}`).join("\n")}`);
  return ok ? EXIT.done : EXIT.refused;
};
