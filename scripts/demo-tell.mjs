// @ts-check
// How the demo tells: chapters, what programs said, and things that must be as told.
import { styled } from "./screen.mjs";
import { StepFailed } from "./steps.mjs";
import { until } from "./until.mjs";

/** The kernel's timers and our looking every 50 ms: more than this late is a failure. Seconds. */
const LATE = 1;

const { bold, dim, green, red, colour } = styled(process.stdout);

/** @typedef {import("./lab-host.mjs").Host} Host */
/** @typedef {import("./lab-instance.mjs").Instance} Instance */

/**
 * A show, on a stage of its own.
 * @typedef {object} Stage
 * @property {() => Promise<void>} play throws when something was not as told
 * @property {() => Promise<void>} close ends every process of it but the lab's; safe after a failure
 * @property {() => string} log the daemons' last words, for when something was not as told
 */

/** @param {string} text */
export const chapter = (text) => console.log(`\n${bold(text)}`);
/** @param {string} text */
export const quote = (text) => console.log(text.trimEnd().replace(/^/gm, "    "));
/** @param {number} ms */
export const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/**
 * One thing that must be as told: prints it with a tick and its time, or ends the show.
 * @param {string} told
 * @param {() => Promise<string | void>} look throws when it is not so; gives a word on how it was
 */
export async function check(told, look) {
  const start = performance.now();
  try {
    const word = await look();
    console.log(`  ${green("✓")} ${told}${dim(`  ${word ?? duration(performance.now() - start)}`)}`);
  } catch (error) {
    console.log(`  ${red("✗")} ${told}`);
    throw new StepFailed(`not as told: ${told}\n${error instanceof Error ? error.message : error}`);
  }
}

/** @param {unknown} actual @param {unknown} expected @throws {Error} when they are not the same */
export function expectSame(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, found ${actual}`);
}

/**
 * Checks that port 22 does not answer a laptop.
 * @param {string} told
 * @param {Instance} instance
 * @param {Host} laptop
 */
export function checkSilent(told, instance, laptop) {
  return check(told, async () => {
    expectSame(await instance.tryConnect(laptop, 22), "silent");
    return "no answer in 400 ms";
  });
}

/**
 * Waits until the door is shut, and says how far from its time that was.
 * @param {Instance} instance
 * @param {Host} laptop
 * @param {number} expires ms since 1970
 * @returns {Promise<string>}
 * @throws {Error} when that is more than a second off
 */
export async function closesOnTime(instance, laptop, expires) {
  const shut = async () => (await instance.tryConnect(laptop, 22, { timeout: 100 })) === "silent";
  const deadline = expires - Date.now() + (LATE + 2) * 1000;
  await until(shut, { what: "port 22 is closed", deadline, every: 50 });
  const off = (Date.now() - expires) / 1000;
  if (off < -LATE || off > LATE) throw new Error(`it closed ${off.toFixed(2)} s off its time`);
  return `at its time, to within ${Math.max(0.1, Math.abs(off)).toFixed(1)} s`;
}

/** @param {Instance} instance @returns {Promise<number>} when the only grant ends, ms since 1970 */
export async function onlyGrantEnds(instance) {
  const { grants } = await instance.json(["list"]);
  expectSame(grants.length, 1);
  return Date.parse(grants[0].expires);
}

/** `knockctl list` as on a terminal: script(1) gives it one. @param {Instance} instance */
export async function showList(instance) {
  const line = [process.execPath, ...instance.commandLine(["list"])].map((word) => `'${word}'`).join(" ");
  const env = colour ? { TERM: "xterm-256color" } : { NO_COLOR: "1" };
  const ran = await instance.host.run("script", ["-qec", `stty cols 100; ${line}`, "/dev/null"], { env });
  expectSame(ran.code, 0);
  quote(ran.stdout.replaceAll("\r", ""));
}
