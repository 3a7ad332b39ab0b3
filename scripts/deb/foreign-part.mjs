// @ts-check
// The part of an npm package that is made for a machine of another kind than this one, which `npm ci` therefore left out:
// fetched once from the registry, and taken only if it is what the lock file says.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, fail, fetchOnce, must } from "../cache.mjs";
import { root } from "../steps.mjs";

/**
 * @param {string} name of an npm package
 * @param {{ version: string, integrity: string }} locked
 * @returns {Promise<string>} its folder
 * @throws {import("../steps.mjs").StepFailed}
 */
export function folderOf(name, { version, integrity }) {
  const installed = join(root, "node_modules", name);
  const kept = join(cacheFolder(), `${name.replaceAll("/", "-")}-${version}`);
  const find = () => [installed, kept].find((folder) => existsSync(join(folder, "package.json")));
  const label = `${name.replaceAll("/", "-")}-${version}`;
  return fetchOnce(label, find, () => {
    const fresh = `${kept}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    try {
      must("npm", ["pack", "--silent", "--pack-destination", fresh, `${name}@${version}`]);
      const file = join(fresh, readdirSync(fresh)[0] ?? "");
      const sum = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
      if (sum !== integrity)
        fail(`${name} is not what package-lock.json says`, "look at where npm fetches from");
      must("tar", ["-xzf", file, "-C", fresh]);
      renameSync(join(fresh, "package"), kept);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
}
