// @ts-check
// What goes into a package, in memory: no staging folder, so that neither umask nor owner nor clock of the
// building machine can get in.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ mode: number, content: Buffer } | { link: string }} Entry a file, or a symbolic link
 * @typedef {Map<string, Entry>} Tree by path, without a leading slash
 */

/**
 * Puts a file made of text or bytes.
 * @param {Tree} tree
 * @param {string} path
 * @param {string | Buffer} content
 * @param {number} [mode]
 */
export function put(tree, path, content, mode = 0o644) {
  tree.set(path, { mode, content: Buffer.from(content) });
}

/**
 * Copies a file, or a folder with everything in it.
 * @param {Tree} tree
 * @param {string} path where it goes
 * @param {string} source
 * @param {{ mode?: number, wanted?: (path: string) => boolean }} [options] `wanted` is asked with each path below source
 */
export function copy(tree, path, source, { mode, wanted = () => true } = {}) {
  if (!statSync(source).isDirectory()) return put(tree, path, readFileSync(source), mode);
  for (const name of readdirSync(source, { recursive: true, encoding: "utf8" }).sort()) {
    const file = join(source, name);
    if (statSync(file).isFile() && wanted(name)) put(tree, join(path, name), readFileSync(file), mode);
  }
}

/** @param {Tree} tree @returns {number} what it takes on a disk, KiB, as dpkg counts (deb-substvars(5)) */
export function installedSize(tree) {
  const sizes = [...tree.values()].map((entry) => ("content" in entry ? entry.content.length : 1));
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), foldersOf(tree).length);
}

/** @param {Tree} tree @returns {string[]} every folder that its paths need, parents first */
export function foldersOf(tree) {
  /** @type {Set<string>} */
  const folders = new Set();
  for (const path of tree.keys())
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
      folders.add(path.slice(0, at));
  return [...folders].sort();
}
