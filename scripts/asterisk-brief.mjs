// @ts-check
// Prompts cut short: a call in which only what is said counts, and not for how long, is over sooner.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";

/** Bytes that are left of a recording, 0.3 s: GSM 06.10 has 33 each 20 ms, mu-law 8,000 a second. @type {Record<string, number>} */
const LEFT = { ".gsm": 15 * 33, ".ulaw": 2_400 };

/**
 * Copies the beginnings of recordings.
 * @param {string} from a folder, with those in it
 * @param {string} to where to make it
 */
export function briefRecordings(from, to) {
  for (const name of readdirSync(from, { recursive: true, encoding: "utf8" })) {
    const left = LEFT[extname(name)];
    if (left === undefined) continue;
    const file = join(to, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, readFileSync(join(from, name)).subarray(0, left));
  }
}

/**
 * Makes a data folder like Asterisk's own, in which every prompt is brief.
 * @param {string} data its own
 * @param {string} folder where to make it; whoever made that removes it
 * @returns {string} the new one
 */
export function briefData(data, folder) {
  const brief = join(folder, "data");
  mkdirSync(brief);
  for (const name of readdirSync(data).filter((name) => name !== "sounds"))
    symlinkSync(join(data, name), join(brief, name));
  briefRecordings(join(data, "sounds"), join(brief, "sounds"));
  return brief;
}
