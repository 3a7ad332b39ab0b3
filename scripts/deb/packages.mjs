// @ts-check
// Which npm packages the programs need while they run, by the lock file, and which of their files.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../steps.mjs";
import { folderOf } from "./foreign-part.mjs";
import { copy } from "./tree.mjs";

/** @typedef {{ version: string, license?: string, dev?: boolean, os?: string[], dependencies?: Record<string, string> }} Locked */

/** Those that stay outside of the bundles (scripts/build.mjs); all others are inside. */
const OUTSIDE = ["ari-client", "classic-level", "koffi", "pino"];

/**
 * Prebuilt natives, by Debian's name of the architecture: those of classic-level are in it, koffi has a package for each.
 * @type {Record<string, { level: string, koffi: string }>}
 */
const PREBUILDS = {
  amd64: { level: "linux-x64/classic-level.node", koffi: "linux-x64" },
  arm64: { level: "linux-arm64/classic-level.armv8.node", koffi: "linux-arm64" },
};

/** The architectures there is a package for. */
export const ARCHITECTURES = Object.keys(PREBUILDS);

/** @returns {Record<string, Locked>} by path: `node_modules/pino` */
function lockFile() {
  return JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
}

/** @returns {string[]} paths of the packages outside of the bundles, and of all that they need */
function closure() {
  const locked = lockFile();
  /** @type {Set<string>} */
  const found = new Set();
  const visit = (/** @type {string} */ from, /** @type {string} */ name) => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      const path = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
      const entry = locked[path];
      if (entry !== undefined) {
        if (found.has(path)) return;
        found.add(path);
        for (const next of Object.keys(entry.dependencies ?? {})) visit(path, next);
        return;
      }
      if (at === "") throw new Error(`the lock file has no ${name}, which ${from} needs`);
    }
  };
  for (const name of OUTSIDE) visit("", name);
  return [...found].sort();
}

/** Text about a package, its tests, its types and what a compiler would want. */
const UNWANTED =
  /(^|\/)(\.[^/]+|tests?|examples?|docs?|benchmarks?|bench|coverage|deps|prebuilds|node_modules)\/|\.(ts|map|md|markdown|cc|gyp|flow|yml|html|txt)$/;
const isCode = (/** @type {string} */ path) => /\.(js|cjs|mjs|json)$/.test(path) && !UNWANTED.test(path);

/**
 * Puts the packages that are outside of the bundles.
 * @param {import("./tree.mjs").Tree} tree
 * @param {string} folder
 * @param {string} architecture
 * @throws {import("../steps.mjs").StepFailed} when what is made for another architecture cannot be fetched
 */
export async function putPackages(tree, folder, architecture) {
  for (const path of closure()) copy(tree, join(folder, path), join(root, path), { wanted: isCode });
  const { level, koffi } = /** @type {(typeof PREBUILDS)[string]} */ (PREBUILDS[architecture]);
  const native = join("node_modules/classic-level/prebuilds", level);
  copy(tree, join(folder, native), join(root, native));
  const part = `node_modules/@koromix/koffi-${koffi}`;
  const from = await folderOf(part.replace("node_modules/", ""), /** @type {any} */ (lockFile()[part]));
  const binary = `${koffi.replace("-", "_")}/koffi.node`;
  copy(tree, join(folder, part), from, { wanted: (path) => isCode(path) || path === binary });
}

/** @returns {string} every npm package in the programs, bundled or beside, with its licence */
export function licences() {
  const locked = lockFile();
  // what is made for one kind of machine is a part of the package that wants it
  const shipped = Object.keys(locked).filter(
    (path) => path !== "" && !locked[path]?.dev && !locked[path]?.os,
  );
  return shipped
    .sort()
    .map((path) => {
      const { version, license } = /** @type {Locked} */ (locked[path]);
      const manifest = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
      const heading = `${manifest.name} ${version}: ${license ?? manifest.license?.type ?? manifest.licenses?.[0]?.type ?? "see below"}`;
      return `${heading}\n${"-".repeat(heading.length)}\n${licenceText(join(root, path))}\n`;
    })
    .join("\n");
}

/** @param {string} folder @returns {string} */
function licenceText(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const file = names.find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file === undefined
    ? "(the package has no licence text of its own)"
    : readFileSync(join(folder, file), "utf8").trim();
}
