// Makes our own recordings, sounds/en/NAME.ulaw, from sounds/words.txt.
//   node scripts/sounds.mjs           make all of them anew, and remove those without words
//   node scripts/sounds.mjs --check   only compare: exit 1 when a recording is missing, left over, or says something else
// The recordings are shipped as files, so only whoever changes the words needs espeak-ng and sox.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SOUNDS = fileURLToPath(new URL("../sounds/", import.meta.url));
const RECORDINGS = join(SOUNDS, "en");
/** Raw 8 kHz mu-law: Asterisk plays it to a telephone as it is, and 8,000 bytes are one second. */
const EXTENSION = ".ulaw";

/** `name = text` a line; empty lines and those with # are for people. */
function parseWords(text) {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [, name, words] = /^([a-z][a-z0-9-]*) = (\S.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`sounds/words.txt: not "name = text": ${line}`);
    return { name, words };
  });
}

/** Speaks one text. The same programs give the same bytes: sox -R fixes its dither, and nothing else is random. */
async function record(words, folder) {
  const [spoken, cut] = [join(folder, "spoken.wav"), join(folder, "cut.ul")];
  await run("espeak-ng", ["-v", "en-us", "-s", "150", "-g", "2", "-w", spoken, words]);
  // silence is cut off both ends, so that words put together sound like one sentence
  const trim = ["silence", "1", "0.01", "0.5%", "reverse", "silence", "1", "0.01", "0.5%", "reverse"];
  const shape = ["norm", "-3", ...trim, "pad", "0.02", "0.08"];
  await run("sox", ["-R", spoken, "-r", "8000", "-c", "1", "-t", "ul", cut, ...shape]);
  return readFile(cut);
}

async function recordAll(list) {
  const folder = await mkdtemp(join(tmpdir(), "knockline-sounds-"));
  try {
    const made = new Map();
    for (const { name, words } of list) made.set(name + EXTENSION, await record(words, folder));
    return made;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns one line for each recording on disk that is not what the words make */
async function differences(made) {
  const found = await readdir(RECORDINGS);
  const leftOver = found.filter((file) => !made.has(file)).map((file) => `${file}: no words for it`);
  const wrong = [...made].map(async ([file, bytes]) => {
    const there = await readFile(join(RECORDINGS, file)).catch(() => undefined);
    if (there === undefined) return `${file}: missing`;
    return there.equals(bytes) ? undefined : `${file}: says something else, or was made by other programs`;
  });
  return [...leftOver, ...(await Promise.all(wrong)).filter((line) => line !== undefined)];
}

async function write(made) {
  for (const file of await readdir(RECORDINGS)) if (!made.has(file)) await rm(join(RECORDINGS, file));
  for (const [file, bytes] of made) await writeFile(join(RECORDINGS, file), bytes);
}

async function main() {
  const list = parseWords(await readFile(join(SOUNDS, "words.txt"), "utf8"));
  const made = await recordAll(list);
  if (!process.argv.includes("--check")) {
    await write(made);
    const seconds = [...made.values()].reduce((sum, { length }) => sum + length, 0) / 8000;
    console.log(`${made.size} recordings, ${Math.round(seconds)} seconds in all`);
    return 0;
  }
  const lines = await differences(made);
  console.log(lines.length === 0 ? `${made.size} recordings are as the words make them` : lines.join("\n"));
  return lines.length === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    const missing = error.code === "ENOENT" && ["espeak-ng", "sox"].includes(error.path);
    console.error(missing ? `${error.path} is missing\n  apt-get install espeak-ng sox` : error.message);
    process.exitCode = 1;
  },
);
