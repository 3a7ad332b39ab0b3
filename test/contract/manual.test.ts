import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { writeManuals } from "../../scripts/man.mjs";
import { needs } from "../helpers/needs.ts";

/** What each program says of pages that are right: nothing. */
const READERS: Record<string, readonly string[]> = {
  mandoc: ["-Tlint", "-Wwarning"],
  groff: ["-mandoc", "-ww", "-z", "-Kutf8"],
};

for (const [program, options] of Object.entries(READERS)) {
  const { describe, test } = needs(program);

  describe(`the manual, read by ${program}`, () => {
    let folder: string;
    let pages: string[] = [];
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "knockline-man-"));
      pages = await writeManuals(folder);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("has a page for each program, for the settings and for the whole, and no warning in any", () => {
      expect([...pages].sort()).toEqual([
        "knockctl.8",
        "knockline-knockd.8",
        "knockline-phone-auth.8",
        "knockline.7",
        "knockline.toml.5",
      ]);
      for (const page of pages) {
        const { status, stdout, stderr } = spawnSync(program, [...options, join(folder, page)], {
          encoding: "utf8",
        });
        expect({ page, status, said: stdout + stderr }).toEqual({ page, status: 0, said: "" });
      }
    });
  });
}
