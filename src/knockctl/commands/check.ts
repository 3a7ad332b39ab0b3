import { formatProblem, SettingsError } from "../../shared/settings/problem.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import { isSet, type Run } from "../command.ts";
import { EXIT } from "../failure.ts";
import type { World } from "../world.ts";

/** What a step of the check finds wrong; other errors than those of settings are not ours to swallow. */
async function findings(step: () => Promise<unknown>): Promise<string[]> {
  try {
    await step();
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return [...error.problems.map(formatProblem), ...(error.problems.length > 1 ? [] : [`  ${error.cure}`])];
  }
}

/** Problems of users under these settings. Without a store there are none, and asking would make one. */
async function userProblems(world: World, { paths }: Settings): Promise<string[]> {
  if (!(await world.exists(paths.db))) return [];
  return (await (await world.asker()).ask("check", {})).problems;
}

async function check(world: World): Promise<string[]> {
  let settings: Settings | undefined;
  const unreadable = await findings(async () => {
    settings = await world.settings();
  });
  if (settings === undefined) return unreadable;
  const { paths } = settings;
  const secret = await findings(() => world.checkSecret(paths.secret));
  // a gate without its secret does not start
  return secret.length > 0 ? secret : userProblems(world, settings);
}

/** `knockctl config check`: changes nothing; exits 1 when there is something to correct. */
export const checkConfig: Run = async (call, world) => {
  const problems = await check(world);
  const ok = problems.length === 0;
  if (isSet(call, "json")) world.say(JSON.stringify({ ok, problems }, null, 2));
  else if (ok) world.say(`${world.config}: no problem found`);
  else world.tell(`${world.config}:\n${problems.map((line) => `  ${line}`).join("\n")}`);
  return ok ? EXIT.done : EXIT.refused;
};
