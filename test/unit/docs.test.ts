import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DENIALS } from "../../src/shared/access/denial.ts";

/** @returns the reasons that have a row of their own in the guide's table */
function explained(guide: string): string[] {
  const [, table = ""] = guide.split("## Why a knock was denied");
  return [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, reason = ""]) => reason);
}

test("the operations guide explains every reason for which a knock is denied, and no other", () => {
  const guide = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  expect(explained(guide).sort()).toEqual(Object.keys(DENIALS).sort());
});
