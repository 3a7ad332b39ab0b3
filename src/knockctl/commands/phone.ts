import type { Settings } from "../../shared/settings/settings.ts";
import { finding, fine, type Verdict } from "../audit/verdict.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, misused } from "../failure.ts";
import { snippetsFor, snippetText } from "../render/phone-dialplan.ts";
import { renderVerdicts } from "../render/verdicts.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { checkSettings } from "./phone-leaks.ts";
import { checkLink } from "./phone-link.ts";

const ASTERISK = "/etc/asterisk";

const NOT_ENABLED = "enabled is false under [phone], so no call is taken: make it true, then reload knockd";

/** What may stand for a number in a dialplan: anything else would be more of the dialplan. */
const NUMBER = /^\+?[0-9*#]{1,40}$/;

/** @returns the outside number for the snippets. @throws Failure (usage) */
function didOf(call: Call): string {
  const did = textOption(call, "did") ?? "5551000";
  if (NUMBER.test(did)) return did;
  throw misused(
    `--did: ${JSON.stringify(did)} is no number`,
    "write it as your trunk delivers it: 5551000, +4930123",
  );
}

/** Of our own recordings this one is needed with every voice: Asterisk has "hours" only. */
const OWN_RECORDING = "en/hour.ulaw";

async function checkRecordings(world: World, { paths }: Settings): Promise<Verdict> {
  if (await world.exists(`${paths.sounds}/${OWN_RECORDING}`))
    return fine(`our own recordings are in ${paths.sounds}`);
  return finding({
    id: "sounds-own",
    severity: "medium",
    what: `our own recordings are not in ${paths.sounds}`,
    why: "words that Asterisk has no recording of stay silent",
    fix: "set sounds under [paths] to the folder sounds of knockline; Asterisk's user must be able to read it",
  });
}

/** Looks at every link of the chain from a caller to us; changes nothing. @param folder where Asterisk's settings are */
export async function phoneVerdicts(world: World, settings: Settings, folder = ASTERISK): Promise<Verdict[]> {
  const pbx = await world.pbx(settings, folder);
  return [
    ...(await checkLink(settings, pbx)),
    await checkRecordings(world, settings),
    ...(await checkSettings(settings, pbx)),
  ];
}

/** `knockctl phone check`: changes nothing; exits 1 when there is something to put right. */
export const check: Run = async (call, world) => {
  const settings = await world.settings();
  const verdicts = await phoneVerdicts(world, settings, textOption(call, "conf"));
  const findings = verdicts.flatMap((one) => (one.kind === "finding" ? [one.finding] : []));
  const unseen = verdicts.flatMap((one) => (one.kind === "unseen" ? [one.what] : []));
  const notes = settings.phone.enabled ? [] : [NOT_ENABLED];
  if (isSet(call, "json")) world.say(JSON.stringify({ findings, unseen, notes }, null, 2));
  else {
    world.say(renderVerdicts(verdicts, world.terminal));
    for (const note of notes) world.tell(`note: ${note}`);
  }
  return findings.length === 0 ? EXIT.done : EXIT.refused;
};

/** `knockctl phone dialplan`: changes nothing. */
export const dialplan: Run = async (call, world) => {
  const { phone } = await world.settings();
  const wanted = textOption(call, "for");
  const kinds =
    wanted === undefined ? (["asterisk", "freepbx"] as const) : [wanted as "asterisk" | "freepbx"];
  const did = didOf(call);
  const snippets = kinds.flatMap((kind) => snippetsFor(kind, phone, did));
  return answer(call, world, { object: { snippets }, text: () => snippets.map(snippetText).join("\n\n") });
};
