import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { breaches } from "../helpers/dependency-rule.ts";

const root = new URL("../../", import.meta.url);

/** All sources, by path from the checkout's root. */
function ourSources(): Record<string, string> {
  const files = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" });
  const sources = files
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => `src/${name}`);
  return Object.fromEntries(sources.map((name) => [name, readFileSync(new URL(name, root), "utf8")]));
}

/** It parses every source: a second, but ten on a machine that has much else to do. */
const WHOLE_TREE = { timeout: 30_000 };

test(
  "only main.ts files and adapters touch the world, and nobody imports what is not theirs to import",
  WHOLE_TREE,
  () => {
    expect(breaches(ourSources())).toEqual([]);
  },
);

describe("the check itself finds a planted fault, and names its file and line", () => {
  const pure = "src/shared/access/x.ts";
  const planted: [fault: string, file: string, text: string, message: RegExp][] = [
    [
      "a socket",
      pure,
      'import { createSocket } from "node:dgram";',
      /^src\/shared\/access\/x\.ts:1: .*node:dgram/,
    ],
    ["a file", pure, '\n\nimport fs from "node:fs";', /x\.ts:3: .*node:fs/],
    ["a child process", pure, 'const run = await import("node:child_process");', /node:child_process/],
    [
      "randomness of node:crypto",
      pure,
      'import { createHash, randomBytes } from "node:crypto";',
      /randomBytes/,
    ],
    ["the whole of node:crypto", pure, 'import * as crypto from "node:crypto";', /\* of node:crypto/],
    ["the whole of node:net", pure, 'import net from "node:net";', /\* of node:net/],
    ["a worldly module passed on", pure, 'export { readFileSync } from "node:fs";', /node:fs/],
    ["Date.now", pure, "export const t = () =>\n  Date.now();", /x\.ts:2: reads the clock/],
    ["new Date() without an argument", pure, "export const t = new Date();", /reads the clock/],
    ["Date handed on", pure, "export const clock = Date;", /reads the clock/],
    ["Math.random", pure, "export const r = Math.random();", /at random/],
    ["Math.random in brackets", pure, 'export const r = Math["random"]();', /at random/],
    ["a timer", pure, "setTimeout(() => {}, 5);", /uses setTimeout/],
    ["performance", pure, "export const t = performance.now();", /uses performance/],
    ["process.env", pure, "export const e = process.env.HOME;", /uses process/],
    ["process in shorthand", pure, "export const e = { process };", /uses process/],
    ["the console", pure, 'console.log("x");', /uses console/],
    ["globalThis", pure, "export const e = globalThis;", /uses globalThis/],
    ["import.meta", pure, "export const u = import.meta.url;", /import\.meta/],
    [
      "shared that imports a process",
      pure,
      'import { x } from "../../knockd/x.ts";',
      /shared imports the process knockd/,
    ],
    ["a process's type in shared", pure, 'import type { x } from "../../knockctl/x.ts";', /process knockctl/],
    [
      "a process in another",
      "src/knockctl/x.ts",
      'import { x } from "../knockd/x.ts";',
      /knockctl imports the process knockd/,
    ],
    [
      "a process in another's main",
      "src/knockd/main.ts",
      'import "../knockctl/x.ts";',
      /knockd imports the process knockctl/,
    ],
    [
      "an adapter in pure code",
      pure,
      'import { nft } from "../firewall/adapters/nft.ts";',
      /pure code imports src\/shared\/firewall\/adapters\/nft\.ts/,
    ],
    ["a test helper in a source", pure, 'import { x } from "../../../test/helpers/x.ts";', /only src\//],
    ["zod outside decode/", pure, 'import { z } from "zod";', /decode\//],
  ];

  test.each(planted)("%s", (_fault, file, text, message) => {
    const found = breaches({ [file]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test("a package imported by two files, at the second of them", () => {
    const text = 'import pino from "pino";';
    expect(breaches({ "src/shared/a.ts": text, "src/shared/b.ts": `\n${text}` })).toEqual([
      "src/shared/b.ts:2: imports the package pino, which src/shared/a.ts imports: one file only, use what it exports",
    ]);
  });
});

describe("the check lets pass what is pure or allowed", () => {
  const fine: [what: string, file: string, text: string][] = [
    [
      "the world in an adapter",
      "src/knockd/adapters/x.ts",
      'import fs from "node:fs";\nsetTimeout(() => fs, Date.now());',
    ],
    ["the world in main.ts", "src/knockd/main.ts", "process.exitCode = Math.random();"],
    ["an adapter in main.ts", "src/knockd/main.ts", 'import { x } from "./adapters/x.ts";'],
    ["an adapter's type in pure code", "src/knockd/x.ts", 'import type { X } from "./adapters/x.ts";'],
    [
      "a worldly module's type",
      "src/knockd/x.ts",
      'import { type Socket } from "node:net";\nexport type X = Socket;',
    ],
    [
      "pure parts of worldly modules",
      "src/shared/x.ts",
      'import { isIP } from "node:net";\nimport { createHmac, verify } from "node:crypto";',
    ],
    [
      "dates made from arguments",
      "src/shared/x.ts",
      "export const d = (n: number) => [new Date(n), Date.UTC(2020), n instanceof Date];",
    ],
    ["pure mathematics", "src/shared/x.ts", "export const m = Math.max(1, 2);"],
    [
      "the words in comments and texts",
      "src/shared/x.ts",
      "// setTimeout, Date.now()\nexport const t = `process.exit, Math.random()`;",
    ],
    [
      "the words as names of properties",
      "src/shared/x.ts",
      "export const t = (o: { process: 1 }) => ({ process: o.process, fetch() {} });",
    ],
    [
      "a parameter that bears such a name",
      "src/shared/x.ts",
      "export const t = (process: string) => process;",
    ],
    [
      "a client template",
      "src/shared/x.ts",
      'import text from "../../clients/knock.sh";\nexport default text;',
    ],
    ["zod in several decode/ files", "src/shared/decode/x.ts", 'import { z } from "zod";\nexport default z;'],
  ];

  test.each(fine)("%s", (_what, file, text) => {
    expect(
      breaches({ [file]: text, "src/shared/decode/other.ts": 'import { z } from "zod";\nexport default z;' }),
    ).toEqual([]);
  });
});
