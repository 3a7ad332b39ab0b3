import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { locked, parts, THIRD_PARTY, thirdPartyText } from "../../scripts/third-party.mjs";

const ROOT = join(import.meta.dirname, "../..");

/** Licences under which a package may be part of an MIT program that is handed on. */
const ALLOWED = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Unlicense"];

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly overrides: Record<string, Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;

/** Names of the packages that the programs import. */
function imported(): Set<string> {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(ROOT, "src", file), "utf8"));
  const from = /(?:\bfrom |\bimport\(|\brequire(?:\.resolve)?\(|^import )"(@?[a-z][\w./:-]*)"/gm;
  const found = texts.flatMap((text) => [...text.matchAll(from)].map(([, name = ""]) => name));
  const packages = found.filter((name) => !name.startsWith("node:"));
  return new Set(packages.map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name));
}

/** @returns whether a version is at least the numbers of another */
function atLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split(".").map(Number));
  const at = (want ?? []).findIndex((part, n) => part !== have?.[n]);
  return at === -1 || (have?.[at] ?? 0) > (want?.[at] ?? 0);
}

test("every package that the programs contain has a licence that lets us hand it on", () => {
  expect(parts().length).toBeGreaterThan(50);
  expect(parts().filter(({ license }) => !ALLOWED.includes(license))).toEqual([]);
});

test("docs/third-party.md is what `npm run third-party` makes now", () => {
  expect(readFileSync(THIRD_PARTY, "utf8")).toBe(thirdPartyText());
});

test("every dependency is used by a source file, and nothing else is", () => {
  expect([...imported()].sort()).toEqual(Object.keys(manifest.dependencies).sort());
});

test("each dependency is pinned to the version in the lock file", () => {
  for (const [name, version] of Object.entries(manifest.dependencies))
    expect(locked()[`node_modules/${name}`]?.version, name).toBe(version);
});

test.each([
  ["request", "3.0.0"],
  ["ws", "8.0.0"],
  ["uuid", "11.0.0"],
  ["lodash", "4.17.21"],
])("no %s older than %s is in the lock file, as `overrides` want it", (name, least) => {
  expect(manifest.overrides["ari-client"]).toHaveProperty(name);
  const all = Object.entries(locked()).filter(([place]) => place.endsWith(`node_modules/${name}`));
  expect(all).not.toEqual([]);
  for (const [place, { version }] of all) expect(atLeast(version, least), `${place} ${version}`).toBe(true);
});

test("what is called request is the maintained @cypress/request", () => {
  const all = Object.entries(locked()).filter(([place]) => place.endsWith("node_modules/request"));
  expect(all.map(([, { name }]) => name)).toEqual(["@cypress/request"]);
});
