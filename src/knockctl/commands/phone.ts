import type { Settings } from "../../shared/settings/settings.ts";
import { finding, fine, type Verdict } from "../audit/verdict.ts";
import { isSet, type Run, textOption } from "../command.ts";
import { EXIT } from "../failure.ts";
import { snippetsFor, snippetText } from "../render/phone-dialplan.ts";
import { renderVerdicts } from "../render/verdicts.ts";
import type { World } from "../world.ts";
import { answer } from "./answer.ts";
import { checkSettings } from "./phone-leaks.ts";
import { checkLink } from "./phone-link.ts";

const ASTERISK = "/etc/asterisk";

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
  if (isSet(call, "json")) world.say(JSON.stringify({ findings, unseen }, null, 2));
  else world.say(renderVerdicts(verdicts, world.terminal));
  return findings.length === 0 ? EXIT.done : EXIT.refused;
};

/** `knockctl phone dialplan`: changes nothing. */
export const dialplan: Run = async (call, world) => {
  const { phone } = await world.settings();
  const wanted = textOption(call, "for");
  const kinds =
    wanted === undefined ? (["asterisk", "freepbx"] as const) : [wanted as "asterisk" | "freepbx"];
  const snippets = kinds.flatMap((kind) => snippetsFor(kind, phone, textOption(call, "did") ?? "5551000"));
  return answer(call, world, { object: { snippets }, text: () => snippets.map(snippetText).join("\n\n") });
};
