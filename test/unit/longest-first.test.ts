import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { LONGEST } from "../helpers/longest-first.ts";

test("the files that begin first are there", () => {
  const missing = LONGEST.filter((name) => !existsSync(new URL(`../e2e/${name}`, import.meta.url)));
  expect(missing).toEqual([]);
});
