// @ts-check
// A call on paper: what the PBX says, in words and as it says it, beside the keys that the caller presses.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { styled } from "./screen.mjs";
import { root, StepFailed } from "./steps.mjs";
import { until } from "./until.mjs";

const { dim, cyan, bold } = styled(process.stdout);

/** Where spoken words begin, and the last column they may fill. */
const MARGIN = 24;
const WIDTH = 110;

/** A quick hand: how long each key is down, and the next one not yet. ms */
const KEYING = { tone: 80, gap: 70 };

/** How long the longest prompt lasts, with what may hold a slow machine up. ms */
const PATIENCE = 30_000;

/**
 * What recordings say: sounds/core.txt for Asterisk's own, sounds/words.txt for ours.
 * @param {string} file
 * @returns {Map<string, string>} words by name
 */
function readWords(file) {
  const lines = readFileSync(join(root, "sounds", file), "utf8").matchAll(/^([^#\s]\S*) = (.+)$/gm);
  return new Map([...lines].map(([, name = "", words = ""]) => [name, words]));
}

/** @returns {(prompt: string) => string} what a recording says, by the name that Asterisk plays it under */
function reader() {
  const [core, own] = [readWords("core.txt"), readWords("words.txt")];
  return (prompt) => {
    const name = prompt.split("/en/").at(-1) ?? prompt;
    return (name === prompt ? core : own).get(name) ?? `(${name})`;
  };
}

/** One call and its transcript; one at a time, for prompts are not told apart by caller. */
export class TranscribedCall {
  #asterisk;
  #call;
  #read = reader();
  #began = performance.now();
  /** Prompts told so far, of all that Asterisk ever played. */
  #told;
  /** Those since the last key: what the caller reacts to. Bounded: by the call's three minutes */
  #heard = /** @type {string[]} */ ([]);
  /** Column of the cursor; 0 when nobody is speaking. */
  #column = 0;

  /**
   * @param {import("./asterisk.mjs").Asterisk} asterisk
   * @param {import("./asterisk-call.mjs").AsteriskCall} call
   * @param {number} told prompts played before it
   */
  constructor(asterisk, call, told) {
    this.#asterisk = asterisk;
    this.#call = call;
    this.#told = told;
  }

  /**
   * Calls 864 from outside, over SIP.
   * @param {import("./asterisk.mjs").Asterisk} asterisk
   * @param {string} who
   */
  static async dial(asterisk, who) {
    const told = asterisk.played().length;
    const call = new TranscribedCall(asterisk, await asterisk.call({ as: "trunk", ...KEYING }), told);
    call.#line(`${who} dials`, bold("864"));
    return call;
  }

  /**
   * Listens until a recording has begun.
   * @param {string} recording
   * @throws {StepFailed} when it is not played since the last key, within half a minute
   */
  async hears(recording) {
    const said = () => {
      this.#listen();
      return this.#heard.some((prompt) => prompt === recording || prompt.endsWith(`/en/${recording}`));
    };
    await this.#waits(said, `the PBX says "${this.#read(recording)}"`);
  }

  /** Presses keys, also into what is being said. @param {string} keys */
  async keys(keys) {
    this.#listen();
    this.#line("caller keys", bold(cyan(keys)));
    this.#heard = [];
    await this.#call.press(keys);
  }

  /** Listens until the call is over. @throws {StepFailed} when it is not within half a minute */
  async isOver() {
    const over = async () => {
      const lasts = await this.#call.lasts();
      this.#listen();
      return !lasts;
    };
    await this.#waits(over, "the call is over");
    this.#line("call ends", "");
  }

  /** The caller has heard enough. */
  async hangsUp() {
    this.#line("caller hangs up", "");
    await this.#call.hangUp();
    await this.#call.isOver();
  }

  /** Ends the line of whoever is speaking, for something else to be printed. */
  pause() {
    if (this.#column > 0) process.stdout.write("\n");
    this.#column = 0;
  }

  /** @param {() => boolean | Promise<boolean>} condition @param {string} what is waited for */
  async #waits(condition, what) {
    try {
      await until(condition, { what, deadline: PATIENCE });
    } catch (error) {
      this.pause();
      throw new StepFailed(`not as told: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Prints what was said since it was last asked. */
  #listen() {
    const prompts = this.#asterisk.played().slice(this.#told);
    this.#told += prompts.length;
    this.#heard.push(...prompts);
    for (const prompt of prompts) this.#say(this.#read(prompt));
  }

  /** @param {string} words */
  #say(words) {
    if (this.#column === 0) {
      process.stdout.write(this.#margin("PBX says"));
      this.#column = MARGIN;
    }
    for (const word of words.split(" ")) {
      if (this.#column + word.length >= WIDTH) {
        process.stdout.write(`\n${" ".repeat(MARGIN)}`);
        this.#column = MARGIN;
      }
      process.stdout.write(` ${word}`);
      this.#column += word.length + 1;
    }
  }

  /** @param {string} who @param {string} what */
  #line(who, what) {
    this.pause();
    console.log(`${this.#margin(who)} ${what}`.trimEnd());
  }

  /** @param {string} who @returns {string} MARGIN columns: seconds since the call began, and who */
  #margin(who) {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1);
    return `${dim(`${seconds.padStart(7)} s`)}  ${who.padEnd(MARGIN - 11)}`;
  }
}
