import { describe, expect, test } from "vitest";
import type { Call } from "../../src/knockctl/command.ts";
import { check, dialplan } from "../../src/knockctl/commands/phone.ts";
import { inForce, readConf } from "../../src/knockctl/commands/phone-conf.ts";
import type { AriReply } from "../../src/knockctl/commands/phone-pbx.ts";
import type { World } from "../../src/knockctl/world.ts";
import { decodeSettings } from "../../src/shared/settings/decode/settings.ts";

const decoded = decodeSettings({ server: { name: "pbx.example.com" } }, "/srv/knockline.toml");
if (!decoded.ok) throw new Error(JSON.stringify(decoded.errors));
const { settings } = decoded;

/** A file that may not be read. */
const LOCKED = "locked";

const ARI: Record<string, AriReply> = {
  "asterisk/info": { status: 200, body: { system: { version: "22.10.1" } } },
  "applications/knockline": { status: 200, body: {} },
};

const FILES: Record<string, string> = {
  extensions:
    "[knockline]\nexten => s,1,Stasis(knockline)\n[from-internal]\nexten => 864,1,Goto(knockline,s,1)\n",
  http: "[general]\nenabled = yes\nbindaddr = 127.0.0.1\n",
  logger: "[logfiles]\nfull => notice,warning,error\n",
  manager: "[general]\nenabled = no\n",
};

interface Changes {
  readonly ari?: Record<string, AriReply>;
  readonly files?: Record<string, string | undefined>;
  readonly recordings?: boolean;
  readonly enabled?: boolean;
}

async function run(
  what: (call: Call, world: World) => Promise<number>,
  options: Record<string, string | boolean>,
  { ari = {}, files = {}, recordings = true, enabled = true }: Changes = {},
): Promise<{ exit: number; out: string }> {
  const out: string[] = [];
  const world = {
    self: "knockctl",
    terminal: undefined,
    settings: async () => ({ ...settings, phone: { ...settings.phone, enabled } }),
    exists: async () => recordings,
    say: (text: string) => out.push(text),
    tell: (text: string) => out.push(text),
    pbx: async () => ({
      folder: "/etc/asterisk",
      get: async (path: string) => {
        const missing = { status: path.startsWith("sounds/") ? 200 : 404, body: null };
        return { ...ARI, ...ari }[path] ?? missing;
      },
      conf: async (name: string) => {
        const text = { ...FILES, ...files }[name];
        return text === undefined
          ? "missing"
          : text === LOCKED
            ? "unreadable"
            : [{ path: `${name}.conf`, text }];
      },
    }),
  } as unknown as World;
  return { exit: await what({ args: [], options }, world), out: out.join("\n") };
}

const found = async (changes: Changes): Promise<string[]> => {
  const { exit, out } = await run(check, { json: true }, changes);
  const { findings } = JSON.parse(out) as { findings: { id: string; fix: string }[] };
  expect(exit).toBe(findings.length === 0 ? 0 : 1);
  for (const { fix } of findings) expect(fix).not.toBe("");
  return findings.map(({ id }) => id);
};

describe("phone check", () => {
  test("finds nothing where all is well, and says what it looked at", async () => {
    const { exit, out } = await run(check, {});
    expect(exit).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "ok    ARI answers: Asterisk 22.10.1
      ok    the app knockline is registered: phone-auth is there
      ok    Asterisk has its own recordings
      ok    our own recordings are in /usr/share/knockline/sounds
      ok    the dialplan has 864, and runs Stasis(knockline)
      ok    the call's own dialplan records nothing
      ok    sessionlimit is 100
      ok    ARI listens on 127.0.0.1 only
      ok    no log file takes keyed digits
      ok    the manager interface (AMI) is off

      nothing to put right"
    `);
  });

  const general = (lines: string) => `[general]\nbindaddr = 127.0.0.1\n${lines}`;
  test.each<[string, Changes]>([
    ["ari-unreachable", { ari: { "asterisk/info": { failed: "ECONNREFUSED" } } }],
    ["ari-password", { ari: { "asterisk/info": { status: 401, body: null } } }],
    ["ari-missing", { ari: { "asterisk/info": { status: 404, body: null } } }],
    ["app-missing", { ari: { "applications/knockline": { status: 404, body: null } } }],
    ["sounds-core", { ari: { "sounds/confbridge-pin": { status: 404, body: null } } }],
    ["sounds-own", { recordings: false }],
    ["dialplan-app", { files: { extensions: "[x]\nexten => 864,1,Answer()\n" } }],
    ["dialplan-extension", { files: { extensions: "[x]\nexten => 865,1,Stasis(knockline)\n" } }],
    [
      "recording",
      { files: { extensions: "[x]\nexten => 864,1,MixMonitor(a.wav)\n same => n,Stasis(knockline)\n" } },
    ],
    ["sessionlimit", { files: { http: general("sessionlimit = 20\n") } }],
    ["ari-public", { files: { http: "[general]\nenabled = yes\nbindaddr = 0.0.0.0\n" } }],
    ["dtmf-log", { files: { logger: "[logfiles]\nfull => notice,warning,dtmf\n" } }],
    ["dtmf-log", { files: { logger: "[logfiles]\nfull => *\n" } }],
    ["dtmf-log", { files: { logger: "[logfiles]\nconsole => [json]verbose, DTMF ; for a day\n" } }],
    ["ami-dtmf", { files: { manager: general("enabled = yes\n[cron]\nread = system,dtmf\n") } }],
    ["ami-dtmf", { files: { manager: general("enabled = yes\n[admin]\nread = all\n") } }],
    ["ami-public", { files: { manager: "[general]\nenabled = yes\n" } }],
  ])("finds %s, with its cure", async (id, changes) => {
    expect(await found(changes)).toEqual([id]);
  });

  test("says what it could not look at, which is no finding", async () => {
    const { exit, out } = await run(check, {}, { files: { logger: LOCKED, manager: undefined } });
    expect(exit).toBe(0);
    expect(out).toContain("?     /etc/asterisk/logger.conf cannot be read: run this as root, on the PBX");
    expect(out).toContain("?     /etc/asterisk/manager.conf is not there: run this on the PBX, or");
  });

  test("says that the phone is not enabled, in JSON too", async () => {
    const off = { enabled: false };
    expect((await run(check, {}, off)).out).toContain("note: enabled is false under [phone]");
    expect(JSON.parse((await run(check, { json: true }, off)).out).notes).toHaveLength(1);
    expect(JSON.parse((await run(check, { json: true })).out).notes).toEqual([]);
  });
});

test("Asterisk's settings are read with comments, templates and included files", () => {
  const text =
    "bindport = 1\n[general](!) ; all\nEnabled=yes ;-- no\nenabled=no --; \n#include x.conf\nread => a\\;b\n";
  expect(readConf([{ path: "a.conf", text }])).toEqual([
    { section: "", key: "bindport", value: "1" },
    { section: "general", key: "enabled", value: "yes" },
    { section: "general", key: "read", value: "a\\;b" },
  ]);
  expect(inForce(readConf([{ path: "a.conf", text }]), "general", "bindport")).toBe("1");
});

test("the dialplan is printed for both kinds of PBX", async () => {
  const { exit, out } = await run(dialplan, {});
  expect(exit).toBe(0);
  await expect(`${out}\n`).toMatchFileSnapshot("goldens/phone-dialplan.txt");
});

test.each(["", "abc;System(x)", "555,1,System(x)", "5551000\n"])(
  "%j is no outside number for a dialplan",
  async (did) => {
    await expect(run(dialplan, { did })).rejects.toMatchObject({ exit: 2 });
  },
);
