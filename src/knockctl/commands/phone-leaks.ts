import { kindOf, parseAddress } from "../../shared/address.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import { finding, fine, unseen, type Verdict } from "../audit/verdict.ts";
import { type ConfLine, inForce, readConf } from "./phone-conf.ts";
import type { Pbx } from "./phone-pbx.ts";

/** ari-client opens 13 connections while it loads, and each call's commands need some: Asterisk's own default is 100. */
const SESSIONS = 30;

const yes = (value: string | undefined): boolean => /^(yes|true|y|t|1|on)$/i.test(value ?? "");

/** @returns true for an address that others than this host and its private network may reach */
function isPublic(bind: string): boolean {
  const address = parseAddress(bind.trim().replace(/^\[|\]$/g, "") || "0.0.0.0");
  return address !== undefined && ["public", "unspecified"].includes(kindOf(address));
}

/** Is the call's way in there, and not recorded? */
export function checkDialplan({ extension, app }: Settings["phone"], lines: readonly ConfLine[]): Verdict[] {
  const runs = lines.filter(
    ({ value }) => value.includes(`Stasis(${app})`) || value.includes(`Stasis(${app},`),
  );
  if (runs.length === 0) {
    const what = `no dialplan runs Stasis(${app})`;
    const why = "no call comes in";
    return [
      finding({
        id: "dialplan-app",
        severity: "high",
        what,
        why,
        fix: "knockctl phone dialplan prints what to add",
      }),
    ];
  }
  const dialled = lines.some(({ key, value }) => key === "exten" && value.startsWith(`${extension},`));
  const context = new Set(runs.map(({ section }) => section));
  const recorded = lines.some(
    ({ section, value }) => context.has(section) && /\b(Mix)?Monitor\(/.test(value),
  );
  return [
    dialled
      ? fine(`the dialplan has ${extension}, and runs Stasis(${app})`)
      : finding({
          id: "dialplan-extension",
          severity: "medium",
          what: `no dialplan has the extension ${extension}`,
          why: "the clients tell users to dial it; an outside number may still work",
          fix: "knockctl phone dialplan prints what to add, or change extension under [phone]",
        }),
    recorded
      ? finding({
          id: "recording",
          severity: "high",
          what: "calls to knockline are recorded",
          why: "whoever may listen to a recording hears the PIN's tones",
          fix: `take MixMonitor out of [${[...context].join("], [")}]`,
        })
      : fine("the call's own dialplan records nothing"),
  ];
}

/** Who writes keyed digits into a file? */
export function checkLogger(lines: readonly ConfLine[]): Verdict {
  const digits = /(^|,)\s*(dtmf|\*)\s*($|,|\()/i;
  const files = lines.filter(
    ({ section, value }) => ["", "logfiles"].includes(section) && digits.test(value.replace(/^\[\w+\]/, "")),
  );
  if (files.length === 0) return fine("no log file takes keyed digits");
  return finding({
    id: "dtmf-log",
    severity: "high",
    what: `keyed digits are written to the log: ${files.map(({ key }) => key).join(", ")}`,
    why: "whoever may read that log has the PINs",
    fix: 'take dtmf (or *) out of that line in logger.conf; then: asterisk -rx "logger reload", and remove the old logs',
  });
}

/** Who hears keyed digits over the manager interface, and from where? */
export function checkManager(lines: readonly ConfLine[]): Verdict[] {
  if (!yes(inForce(lines, "general", "enabled"))) return [fine("the manager interface (AMI) is off")];
  const readers = lines.filter(
    ({ key, value }) => key === "read" && /(^|,)\s*(dtmf|all)\s*(,|$)/i.test(value),
  );
  const bind = inForce(lines, "general", "bindaddr") ?? "0.0.0.0";
  const names = [...new Set(readers.map(({ section }) => section))];
  return [
    names.length === 0
      ? fine("no AMI user reads keyed digits")
      : finding({
          id: "ami-dtmf",
          severity: "medium",
          what: `AMI users may read keyed digits: ${names.join(", ")}`,
          why: "whoever has their password can listen for PINs",
          fix: 'name the classes they need instead of all (without dtmf) in manager.conf; then: asterisk -rx "manager reload"',
        }),
    isPublic(bind)
      ? finding({
          id: "ami-public",
          severity: "high",
          what: `AMI listens on ${bind}`,
          why: "the Internet may try its passwords",
          fix: "bindaddr = 127.0.0.1 under [general] in manager.conf, or close its port (5038)",
        })
      : fine(`AMI listens on ${bind} only`),
  ];
}

/** Is ARI's own server roomy enough, and private? */
export function checkHttp(lines: readonly ConfLine[]): Verdict[] {
  const limit = Number(inForce(lines, "general", "sessionlimit") ?? 100);
  const bind = inForce(lines, "general", "bindaddr") ?? "0.0.0.0";
  return [
    limit >= SESSIONS
      ? fine(`sessionlimit is ${limit}`)
      : finding({
          id: "sessionlimit",
          severity: "high",
          what: `sessionlimit is ${limit}`,
          why: `the link needs ${SESSIONS}; with less it breaks under load`,
          fix: "sessionlimit = 100 under [general] in http.conf; then restart Asterisk",
        }),
    isPublic(bind)
      ? finding({
          id: "ari-public",
          severity: "high",
          what: `ARI listens on ${bind}`,
          why: "who has its password hears every PIN and can place calls",
          fix: "bindaddr = 127.0.0.1 under [general] in http.conf, or close its port",
        })
      : fine(`ARI listens on ${bind} only`),
  ];
}

/** Reads Asterisk's settings and finds what would stop calls or give PINs away. */
export async function checkSettings({ phone }: Settings, pbx: Pbx): Promise<Verdict[]> {
  const about = async (
    name: string,
    check: (lines: ConfLine[]) => Verdict | Verdict[],
  ): Promise<Verdict[]> => {
    const files = await pbx.conf(name);
    const path = `${pbx.folder}/${name}.conf`;
    if (files === "missing")
      return [unseen(`${path} is not there: run this on the PBX, or name Asterisk's folder with --conf`)];
    if (files === "unreadable") return [unseen(`${path} cannot be read: run this as root, on the PBX`)];
    return [check(readConf(files))].flat();
  };
  return [
    ...(await about("extensions", (lines) => checkDialplan(phone, lines))),
    ...(await about("http", checkHttp)),
    ...(await about("logger", checkLogger)),
    ...(await about("manager", checkManager)),
  ];
}
