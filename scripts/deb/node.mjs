// @ts-check
// The package `knockline-node`: a Node of our own beside whatever the system has, in a folder that nobody else looks into.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, StepFailed } from "../steps.mjs";
import { copy, put } from "./tree.mjs";

/** What a Node that is built to be carried around needs of its system; Debian's own needs libnode, ICU and others. */
const SYSTEM_LIBRARIES = /^(ld-linux.*|lib(c|dl|m|pthread|gcc_s|stdc\+\+|rt|atomic)\.so.*)$/;

/** ELF machine numbers (elf(5)) by Debian's name of the architecture. */
const MACHINES = /** @type {Record<number, string>} */ ({ 62: "amd64", 183: "arm64" });

/**
 * A Node's executable, read but not run: it may be another architecture's.
 * @typedef {{ program: Buffer, version: string, architecture: string, licence: string }} Runtime
 */

/**
 * @param {string} path
 * @param {string | undefined} licence its LICENSE; undefined: found beside it
 * @returns {Runtime}
 * @throws {StepFailed} when it would not run on another machine, or may not be passed on
 */
export function readRuntime(path, licence = licenceOf(path)) {
  const program = readFileSync(path);
  const isElf = program.subarray(1, 4).toString() === "ELF";
  const architecture = isElf ? MACHINES[program.readUInt16LE(18)] : undefined;
  if (architecture === undefined) throw new StepFailed(`${path} is no program for amd64 or arm64\n${CURE}`);
  const text = program.toString("latin1");
  const tied = neededLibraries(text).filter((name) => !SYSTEM_LIBRARIES.test(name));
  if (tied.length > 0) throw new StepFailed(`${path} needs ${tied.join(", ")} of this machine\n${CURE}`);
  const version = /node\.js\/v(\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (version === undefined) throw new StepFailed(`${path} is no Node\n${CURE}`);
  if (licence === undefined)
    throw new StepFailed(`the licence of ${path} is not beside it\nname its file: --node-licence FILE`);
  return { program, version, architecture, licence };
}

const CURE = "give the one of an archive from nodejs.org: --node FILE";

/** Library names stand in the file as texts between zeros, and nothing else in it looks like one. @param {string} text */
function neededLibraries(text) {
  return [...text.matchAll(/\0((?:lib|ld-)[\w.+-]+\.so[.\d]*)(?=\0)/g)].map(([, name = ""]) => name);
}

/** @param {string} path @returns {string | undefined} in an unpacked archive of nodejs.org, or in a Debian package's place */
function licenceOf(path) {
  const folder = dirname(dirname(realpathSync(path)));
  return [join(folder, "LICENSE"), join(folder, "share/doc/nodejs/LICENSE")].find(existsSync);
}

/** @param {Runtime} runtime @returns {import("./tree.mjs").Tree} */
export function nodeTree({ program, licence }) {
  /** @type {import("./tree.mjs").Tree} */
  const tree = new Map();
  put(tree, "usr/lib/knockline/node/bin/node", program, 0o755);
  copy(tree, "usr/share/doc/knockline-node/copyright", licence);
  const overrides = join(root, "packaging/debian/knockline-node.lintian-overrides");
  copy(tree, "usr/share/lintian/overrides/knockline-node", overrides);
  return tree;
}
