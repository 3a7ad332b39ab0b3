import type { Settings } from "../../shared/settings/settings.ts";
import { audit } from "../audit/audit.ts";
import type { Seen } from "../audit/seen.ts";
import { unseen, type Verdict } from "../audit/verdict.ts";
import { isSet, type Run, textOption } from "../command.ts";
import { EXIT } from "../failure.ts";
import { renderVerdicts } from "../render/verdicts.ts";
import type { World } from "../world.ts";
import { phoneVerdicts } from "./phone.ts";
import { folderOf } from "./values.ts";

/** The PBX's part; a PBX that cannot be looked at must not hide the rest. */
async function phone(world: World, settings: Settings): Promise<Verdict[]> {
  if (!settings.phone.enabled) return [];
  return phoneVerdicts(world, settings).catch((error: Error) => [unseen(`the PBX: ${error.message}`)]);
}

async function see(world: World, root: string): Promise<Seen> {
  const settings = await world.settings();
  const asker = await world.asker();
  const [machine, status, plan, { users }, { grants }, { entries }, { problems }, verdicts] =
    await Promise.all([
      world.machine(root),
      asker.ask("status", {}),
      asker.ask("firewall_plan", {}),
      asker.ask("user_list", {}),
      asker.ask("list", {}),
      asker.ask("allow_list", {}),
      asker.ask("check", {}),
      phone(world, settings),
    ]);
  return {
    self: world.self,
    now: world.now(),
    settings,
    machine,
    status,
    plan,
    users,
    grants,
    allowed: entries,
    problems,
    phone: verdicts,
  };
}

/** `knockctl audit`: of this machine, or from outside of another one. */
export const auditAnywhere: Run = async (call, world) => {
  // loaded late: it is for machines that have no instance
  const { auditOutside, isFromOutside } = await import("./audit-outside.ts");
  return isFromOutside(call) ? auditOutside(call, world) : auditHere(call, world);
};

/** Changes nothing; exits 1 when there is something to put right. */
const auditHere: Run = async (call, world) => {
  const root = textOption(call, "root");
  const verdicts = audit(await see(world, root === undefined ? "/" : await folderOf("--root", root, world)));
  const findings = verdicts.flatMap((one) => (one.kind === "finding" ? [one.finding] : []));
  const notSeen = verdicts.flatMap((one) => (one.kind === "unseen" ? [one.what] : []));
  if (isSet(call, "json")) world.say(JSON.stringify({ findings, unseen: notSeen }, null, 2));
  else world.say(renderVerdicts(verdicts, world.terminal));
  return findings.length === 0 ? EXIT.done : EXIT.refused;
};
