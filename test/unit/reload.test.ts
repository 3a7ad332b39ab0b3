import { expect, it } from "vitest";
import { reload } from "../../src/knockd/daemon.ts";
import { settings, testGate } from "../helpers/gate.ts";

const withWindow = (window: string) => settings({ firewall: { guard: "services" }, knock: { window } });

it("a reload has the listeners follow, though nothing but the window of knocks is another", async () => {
  const t = await testGate({ settings: withWindow("30s") });
  await reload(t.gate, withWindow("29s")); // draws the decoys
  await t.gate.followed();
  const seen: number[] = [];
  t.gate.onPortsChanged(async () => void seen.push(t.gate.state.settings.knock.window));
  await reload(t.gate, withWindow("10s"));
  await t.gate.followed();
  expect(seen).toEqual([10_000]);
});
