// @ts-check
// The three formats of a package: tar (POSIX ustar), gzip, and ar around them (deb(5)). The same tree and the same
// time give the same bytes.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { foldersOf } from "./tree.mjs";

/** @typedef {import("./tree.mjs").Tree} Tree */

const BLOCK = 512;
const TYPES = { file: "0", link: "2", folder: "5" };

/**
 * @param {Tree} tree
 * @param {{ epoch: number, top?: string }} options `epoch`: the time of every entry, seconds; `top`: what is put before each path
 * @returns {Buffer} a gzipped tar, sorted, everything root's
 */
export function tarball(tree, { epoch, top = "." }) {
  const folders = [top, ...foldersOf(tree).map((path) => `${top}/${path}`)];
  const parts = folders.map((path) =>
    header(`${path}/`, { type: TYPES.folder, mode: 0o755, size: 0, epoch }),
  );
  for (const [path, entry] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = `${top}/${path}`;
    if ("link" in entry) {
      parts.push(header(name, { type: TYPES.link, mode: 0o777, size: 0, epoch, link: entry.link }));
      continue;
    }
    const { mode, content } = entry;
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    parts.push(header(name, { type: TYPES.file, mode, size: content.length, epoch }), content, padding);
  }
  return gzip(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

/** @param {Buffer | string} content @returns {Buffer} without the name and the time of a file */
export function gzip(content) {
  return gzipSync(content, { level: 9 });
}

/**
 * @param {string} path
 * @param {{ type: string, mode: number, size: number, epoch: number, link?: string }} about
 */
function header(path, { type, mode, size, epoch, link = "" }) {
  const block = Buffer.alloc(BLOCK);
  const [name, prefix] = splitPath(path);
  const octal = (/** @type {number} */ value, /** @type {number} */ digits) =>
    value.toString(8).padStart(digits, "0");
  block.write(name, 0);
  block.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  block.write(`${octal(size, 11)}\0${octal(epoch, 11)}\0`, 124);
  block.write(" ".repeat(8), 148); // the checksum counts itself as blanks
  block.write(`${type}${link}`, 156);
  block.write("ustar\0" + "00root", 257);
  block.write("root", 297);
  block.write(prefix, 345);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return block;
}

/** @param {string} path @returns {[name: string, prefix: string]} as ustar holds long paths: 155 bytes, a slash, 100 bytes */
function splitPath(path) {
  if (path.length <= 100) return [path, ""];
  const at = path.indexOf("/", path.length - 101);
  if (at === -1 || at > 155) throw new Error(`${path} is too long for a tar archive`);
  return [path.slice(at + 1), path.slice(0, at)];
}

/**
 * A binary package of Debian, deb(5).
 * @param {{ control: Tree, data: Tree, epoch: number }} parts
 * @returns {Buffer}
 */
export function debFile({ control, data, epoch }) {
  const members = /** @type {const} */ ([
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar.gz", tarball(control, { epoch })],
    ["data.tar.gz", tarball(data, { epoch })],
  ]);
  const parts = members.flatMap(([name, content]) => [
    Buffer.from(
      `${name.padEnd(16)}${String(epoch).padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
    ),
    content,
    Buffer.from(content.length % 2 === 1 ? "\n" : ""),
  ]);
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}

/** @param {Tree} tree @returns {string} the control file `md5sums` (deb-md5sums(5)) */
export function md5sums(tree) {
  return [...tree]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, entry]) =>
      "content" in entry ? `${createHash("md5").update(entry.content).digest("hex")}  ${path}\n` : [],
    )
    .join("");
}
