// @ts-check
// Asterisk's prompts, cut short: a call in which only what is said counts, and not for how long, is over sooner.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Bytes that are left of a prompt: 0.3 s of GSM 06.10, which has 33 bytes each 20 ms. */
const LEFT = 15 * 33;

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
  const prompts = readdirSync(join(data, "sounds"), { recursive: true, encoding: "utf8" });
  for (const name of prompts.filter((name) => name.endsWith(".gsm"))) {
    const file = join(brief, "sounds", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, readFileSync(join(data, "sounds", name)).subarray(0, LEFT));
  }
  return brief;
}
