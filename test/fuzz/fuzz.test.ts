import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TARGETS } from "./all.ts";
import { gateSocket } from "./socket.fuzz.ts";
import { tryInput, tryMany } from "./trial.ts";

/** The short run tries the same inputs each time, unless told otherwise; the long one (npm run fuzz) draws its own. */
const SEED = Number(process.env.KNOCKLINE_SEED ?? 1);
const RUNS = 300;

const vectors = new URL("../vectors/fuzz/", import.meta.url);

/** The cases that were once found, by file name. */
function found(name: string): string[] {
  const folder = new URL(`${name}/`, vectors);
  return existsSync(folder) ? readdirSync(folder) : [];
}

test("every folder of found cases belongs to a target", () => {
  const names = TARGETS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const folders = readdirSync(vectors).filter((file) => file !== "README.md");
  expect(names).toEqual(expect.arrayContaining(folders));
});

test("a line of ten megabytes is hung up on, and the next asker is answered", async () => {
  await tryInput(gateSocket, Buffer.alloc(10 << 20, "x"));
});

describe.each(TARGETS)("$name", (target) => {
  test("takes every good input", async () => {
    for (const seed of target.seeds()) await tryInput(target, Buffer.from(seed as string));
  });

  test("takes every case that was once found", async () => {
    for (const file of found(target.name))
      await tryInput(target, readFileSync(new URL(`${target.name}/${file}`, vectors)));
  });

  test("holds for mutations of the good inputs", { timeout: 30_000 }, async () => {
    const finding = await tryMany(target, { seed: SEED, runs: target.runs ?? RUNS });
    if (finding === undefined) return;
    const again = `npm run fuzz -- --target ${target.name} --seed ${SEED}`;
    throw new Error(
      `${JSON.stringify(finding.bytes.toString("latin1"))}\nagain, and kept as a vector: ${again}`,
      {
        cause: finding.error,
      },
    );
  });
});
