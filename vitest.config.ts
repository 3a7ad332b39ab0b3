import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/helpers/longest-first.ts";

/** Imports of client templates give their text, as esbuild's text loader does in scripts/build.mjs. */
const textImports: Plugin = {
  name: "text-imports",
  enforce: "pre",
  load(id) {
    if (!/\.(sh|ps1|txt)$/.test(id)) return null;
    return `export default ${JSON.stringify(readFileSync(id, "utf8"))};`;
  },
};

/** Projects run in this order, the quick ones first; those with the same place run together. */
const inTurn = (groupOrder: number) => ({ sequence: { groupOrder } });

/**
 * What has namespaces and whole programs: each file has a lab of its own, and waits half of the time, so that three share
 * two cores. More at once would make the measured times those of a busy machine.
 */
const WITH_THE_WORLD = { maxWorkers: 3, ...inTurn(2) };

export default defineConfig({
  plugins: [textImports],
  test: {
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // one world for all files of a worker: the start of each in one of its own would be half of the time
          isolate: false,
          pool: "threads",
          include: ["test/{unit,property}/**/*.test.ts"],
          benchmark: { include: ["bench/**/*.bench.ts"] }, // npm run bench:micro; no part of npm test
          // milliseconds each on a quiet machine; this ends what hangs
          testTimeout: 20_000,
          ...inTurn(0),
        },
      },
      {
        extends: true,
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          ...inTurn(1),
        },
      },
      {
        extends: true,
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          ...WITH_THE_WORLD,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // whole programs on two noisy cores: a test that misses its deadline on the landing machine has a second go
          retry: process.env.CI === "true" ? 1 : 0,
          ...WITH_THE_WORLD,
        },
      },
    ],
  },
});
