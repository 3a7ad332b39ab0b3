import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { root } from "../../scripts/steps.mjs";
import { exposureIn, MOST_EXPOSURE } from "../helpers/exposure.ts";
import { needs } from "../helpers/needs.ts";

const SOURCES = join(root, "systemd");
const UNITS = readdirSync(SOURCES).filter((name) => name.endsWith(".service"));

const { describe, test } = needs("systemd-analyze");

describe("the units", () => {
  let folder: string;
  /** As they are, but for the programs and man pages, which are there only where the package is installed. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-units-"));
    for (const name of UNITS) {
      const text = readFileSync(join(SOURCES, name), "utf8");
      const there = text.replace(/^(Exec\w+=)\/usr\S+/gm, "$1/bin/true").replace(/^Documentation=.*\n/gm, "");
      writeFileSync(join(folder, name), there);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const analyze = (...args: string[]): string => {
    const { stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    return stdout + stderr;
  };

  test("systemd-analyze verify finds nothing to say about them", () => {
    const paths = UNITS.map((name) => join(folder, name));
    expect(analyze("verify", "--recursive-errors=no", ...paths)).toBe("");
  });

  for (const name of UNITS) {
    test(`${name} is exposed no more than it has to be`, () => {
      const report = analyze("security", "--offline=true", "--no-pager", join(folder, name));
      expect(exposureIn(report), report).toBeLessThanOrEqual(MOST_EXPOSURE[name] ?? 0);
    });
  }

  test("only the gate and the loader at boot have a capability, and it is CAP_NET_ADMIN alone", () => {
    const capable = (name: string): string[] =>
      readFileSync(join(SOURCES, name), "utf8").match(/^(Ambient|)Capabilit\w+=.*$/gm) ?? [];
    const admin = ["AmbientCapabilities=CAP_NET_ADMIN", "CapabilityBoundingSet=CAP_NET_ADMIN"];
    expect(capable("knockline-knockd.service")).toEqual(admin);
    expect(capable("knockline-firewall.service")).toEqual(admin);
    expect(capable("knockline-phone-auth.service")).toEqual(["CapabilityBoundingSet="]);
  });
});
