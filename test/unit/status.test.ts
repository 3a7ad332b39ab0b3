import { describe, expect, it } from "vitest";
import { keepOld, reload } from "../../src/knockd/daemon.ts";
import { minutes, seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import { Switchboard } from "../../src/shared/gate/switchboard.ts";
import { SettingsError } from "../../src/shared/settings/problem.ts";
import { settings, type TestGate, testGate } from "../helpers/gate.ts";

const SINCE = "2026-01-01T00:00:00.000Z";
const phoned = (enabled: boolean) => settings({ firewall: { guard: "services" }, phone: { enabled } });

const statusOf = (t: TestGate, switchboard?: Switchboard, since: string | null = SINCE) =>
  answer(
    t.gate,
    "status",
    {},
    { ...noKnockd(t.gate), since, phoneSilentSince: () => switchboard?.silentSince },
  );

describe("the status of an enabled phone", () => {
  const SILENT = ["the phone is enabled, and phone-auth does not run: systemctl start knockline-phone-auth"];
  const draw = (): string => "0".repeat(32);

  it("is a problem once phone-auth has not spoken for a while since knockd's start", async () => {
    const t = await testGate({ settings: phoned(true) });
    const switchboard = new Switchboard(t.gate, draw);
    expect(await statusOf(t, switchboard)).toMatchObject({ ok: true, knockd: { problems: [] } });
    t.pass(minutes(1));
    expect(await statusOf(t, switchboard)).toMatchObject({ ok: false, knockd: { problems: SILENT } });
  });

  it("is none while phone-auth speaks, nor at once when it has gone", async () => {
    const t = await testGate({ settings: phoned(true) });
    const switchboard = new Switchboard(t.gate, draw);
    let leave = (): void => undefined;
    const asker = {
      tell: () => undefined,
      onClose: (callback: () => void) => {
        leave = callback;
      },
    };
    await switchboard.answer({ verb: "status", args: { link: "up" } }, asker);
    t.pass(minutes(1));
    expect((await statusOf(t, switchboard)).knockd.problems).toEqual([]);
    leave();
    t.pass(seconds(5));
    expect((await statusOf(t, switchboard)).knockd.problems).toEqual([]);
    t.pass(seconds(30));
    expect((await statusOf(t, switchboard)).knockd.problems).toEqual(SILENT);
  });

  it("is none where the phone is not enabled, nor where no knockd runs", async () => {
    const off = await testGate({ settings: phoned(false) });
    const board = new Switchboard(off.gate, draw);
    off.pass(minutes(1));
    expect((await statusOf(off, board)).knockd.problems).toEqual([]);
    const stopped = await testGate({ settings: phoned(true) });
    stopped.pass(minutes(1));
    expect((await statusOf(stopped, undefined, null)).knockd.problems).toEqual([]);
  });
});

describe("a reload that was rejected", () => {
  it("stays a problem until one succeeds, also with the settings of before", async () => {
    const t = await testGate();
    const problems = [
      { path: "access.ttl", message: "must be a duration" },
      { path: "knock.decoys", message: "must be a number" },
    ];
    keepOld(t.gate, new SettingsError("/srv/test/knockline.toml", problems, "correct it"));
    expect(await statusOf(t)).toMatchObject({
      ok: false,
      knockd: {
        problems: [
          "settings were not taken over: access.ttl: must be a duration; knock.decoys: must be a number; the old ones hold: knockctl config check",
        ],
      },
    });
    await reload(t.gate, t.gate.state.settings);
    expect(await statusOf(t)).toMatchObject({ ok: true, knockd: { problems: [] } });
  });
});

describe("the table of another instance", () => {
  /** Its knockd was here first. */
  async function second(): Promise<TestGate> {
    const t = await testGate({ start: false });
    const { policy } = t.gate.state.settings;
    const plan = { current: policy, knockUdp: [], knockTcp: [], prefixes: [] };
    await t.firewall.install({ owner: "/var/lib/first", ...plan });
    return t;
  }

  it("is not reported as our own: it is altered, with whose it is, also while no knockd runs", async () => {
    const t = await second();
    for (const since of [SINCE, null])
      expect(await statusOf(t, undefined, since)).toMatchObject({
        ok: false,
        knockd: {
          problems: [
            "table inet knockline belongs to the instance in /var/lib/first; one instance a machine: stop the other one and run its `knockctl firewall teardown`",
          ],
        },
        firewall: { state: "altered", drops: null },
      });
  });

  it("is named once, when the gate could not make its own for it", async () => {
    const t = await second();
    await answer(t.gate, "firewall_apply", { now: true }, noKnockd(t.gate)).catch(() => undefined);
    const { problems } = (await statusOf(t)).knockd;
    expect(problems.filter((problem) => problem.includes("/var/lib/first"))).toHaveLength(1);
  });
});
