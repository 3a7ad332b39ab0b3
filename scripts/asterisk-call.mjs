// @ts-check
// One call from the caller's side: he keys, and he hangs up.
import { until } from "./until.mjs";

/** One call to 864 or another number, made by `Asterisk.call`. */
export class AsteriskCall {
  #asterisk;
  #robot;
  #name;

  /**
   * @param {import("./asterisk.mjs").Asterisk} asterisk
   * @param {{ id: string, name: string }} channel the caller's own
   * @param {string} robot who keys for him
   */
  constructor(asterisk, { id, name }, robot) {
    this.#asterisk = asterisk;
    this.id = id;
    this.#name = name.replace(/;1$/, "");
    this.#robot = robot;
  }

  /** @returns {string[]} the prompts this caller has heard, when he called from within Asterisk (`local`) */
  heard() {
    return this.#asterisk.played(this.#name);
  }

  /** Waits until a prompt was played to this caller, `times` times. @param {string} prompt @param {number} [times] */
  async hears(prompt, times = 1) {
    const count = () => this.heard().filter((one) => one.endsWith(prompt)).length;
    const what = `${this.#name} hears ${prompt}`;
    await until(() => count() >= times, { what, deadline: 30_000 }).catch((error) => {
      const lines = this.#asterisk.log().split("\n");
      const about = lines.filter((line) => line.includes(`<${this.#name}`) || line.includes("WARNING"));
      throw new Error(`${error.message}; Asterisk said\n${about.slice(-30).join("\n")}`);
    });
  }

  /**
   * Presses keys, and waits until the caller's phone has begun to send them (it is busy while it sends earlier ones).
   * @param {string} keys `0-9 * #`, `w` waits half a second
   * @throws {Error} when it does not within 10 s
   */
  async press(keys) {
    await press(this.#asterisk, this.#robot, keys);
  }

  /** @returns {Promise<boolean>} true until either side has hung up */
  async lasts() {
    return (await this.#asterisk.ari("GET", `channels/${this.id}`)).status === 200;
  }

  /** Waits until it is over. @param {number} [deadline] ms, 10,000 by default */
  async isOver(deadline = 10_000) {
    await until(async () => !(await this.lasts()), { what: `the call ${this.id} is over`, deadline });
  }

  /** Hangs up, as the caller. Safe when it is over. */
  async hangUp() {
    await this.#asterisk.ari("DELETE", `channels/${this.id}`);
  }
}

/**
 * Makes a robot of the dialplan press keys; see [robot] in asterisk-config.mjs.
 * @param {import("./asterisk.mjs").Asterisk} asterisk
 * @param {string} robot an id of a call, or an extension 41xx
 * @param {string} keys
 */
export async function press(asterisk, robot, keys) {
  const variable = `KEYS_${robot}`;
  await asterisk.ari("POST", "asterisk/variable", { variable, value: keys });
  const taken = async () => (await asterisk.ari("GET", "asterisk/variable", { variable })).body.value === "";
  await until(taken, { what: `${robot} presses its keys`, deadline: 10_000 });
}
