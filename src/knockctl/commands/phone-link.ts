import type { Settings } from "../../shared/settings/settings.ts";
import { type Finding, finding, fine, type Verdict } from "../audit/verdict.ts";
import type { AriReply, Pbx } from "./phone-pbx.ts";

type Phone = Settings["phone"];

/** Core recordings that every call needs; a PBX with these has the package. */
const NEEDED = ["confbridge-pin", "digits/1", "letters/dot", "activated", "vm-goodbye"];

const high = (one: Omit<Finding, "severity">): Verdict => finding({ severity: "high", ...one });

function unreachable(phone: Phone, failed: string): Verdict {
  return high({
    id: "ari-unreachable",
    what: `${phone.url} does not answer: ${failed}`,
    why: "without ARI no call is taken",
    fix: "enabled = yes in http.conf and ari.conf, then restart Asterisk; url under [phone] in knockline.toml must match",
  });
}

function refused(phone: Phone, secret: string): Verdict {
  return high({
    id: "ari-password",
    what: `ARI refuses user ${phone.username}`,
    why: "the password or the user is another one there",
    fix: `the same password in [${phone.username}] of ari.conf and in ${secret}; then: asterisk -rx "ari reload"`,
  });
}

function notAri(phone: Phone, status: number): Verdict {
  return high({
    id: "ari-missing",
    what: `${phone.url} answers, but not as ARI (HTTP ${status})`,
    why: "res_ari is not loaded or not enabled, or this is another web server",
    fix: 'enabled = yes under [general] in ari.conf; then: asterisk -rx "module load res_ari_asterisk.so"',
  });
}

function versionOf(body: unknown): string {
  const system = (body as { system?: { version?: unknown } } | null)?.system;
  return typeof system?.version === "string" ? system.version : "of unknown version";
}

function answers({ phone, paths }: Settings, reply: AriReply): Verdict {
  if ("failed" in reply) return unreachable(phone, reply.failed);
  if (reply.status === 401 || reply.status === 403) return refused(phone, paths.ariSecret);
  if (reply.status !== 200) return notAri(phone, reply.status);
  return fine(`ARI answers: Asterisk ${versionOf(reply.body)}`);
}

async function registered({ app }: Phone, pbx: Pbx): Promise<Verdict> {
  const reply = await pbx.get(`applications/${encodeURIComponent(app)}`);
  if ("status" in reply && reply.status === 200)
    return fine(`the app ${app} is registered: phone-auth is there`);
  return high({
    id: "app-missing",
    what: `nobody has registered the app ${app}`,
    why: "Stasis() fails, and callers hear that they should try later",
    fix: "enabled = true under [phone], systemctl reload knockline-knockd, systemctl enable --now knockline-phone-auth; its log says why when it does not connect",
  });
}

async function sounds(pbx: Pbx): Promise<Verdict> {
  const there = async (name: string): Promise<boolean> => {
    const reply = await pbx.get(`sounds/${encodeURIComponent(name)}`);
    return "status" in reply && reply.status === 200;
  };
  const missing: string[] = [];
  for (const name of NEEDED) if (!(await there(name))) missing.push(name);
  if (missing.length === 0) return fine("Asterisk has its own recordings");
  return high({
    id: "sounds-core",
    what: `Asterisk lacks recordings: ${missing.join(", ")}`,
    why: "callers would hear silence where a question should be",
    fix: "install asterisk-core-sounds-en (FreePBX: Sound Languages, English), and check defaultlanguage in asterisk.conf",
  });
}

/** Proves the way to Asterisk, step by step: what lies behind a step that fails is not asked. */
export async function checkLink(settings: Settings, pbx: Pbx): Promise<Verdict[]> {
  const first = answers(settings, await pbx.get("asterisk/info"));
  if (first.kind !== "fine") return [first];
  return [first, await registered(settings.phone, pbx), await sounds(pbx)];
}
