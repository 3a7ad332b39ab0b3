// @ts-check
import { createConnection } from "node:net";
import { setTimeout as after } from "node:timers/promises";

/**
 * @typedef {object} Waiting
 * @property {string} what what is waited for: said on failure
 * @property {number} [deadline] milliseconds, 5,000 by default
 * @property {number} [every] how often to look, milliseconds, 20 by default
 */

/**
 * Waits until the condition gives something true.
 * @template T
 * @param {() => T | Promise<T>} condition
 * @param {Waiting} waiting
 * @returns {Promise<Exclude<T, false | undefined | null>>} what it gave
 * @throws {Error} naming `what` when the deadline passes, with the last error the condition threw, if any
 */
export async function until(condition, { what, deadline = 5_000, every = 20 }) {
  const end = performance.now() + deadline;
  let last;
  for (;;) {
    try {
      const got = await condition();
      if (got) return /** @type {Exclude<T, false | undefined | null>} */ (got);
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`after ${deadline} ms still not: ${what}`, { cause: last });
    await after(every);
  }
}

/**
 * Looks again and again for the whole span (`deadline`, 1,000 ms by default).
 * @param {() => boolean | Promise<boolean>} condition
 * @param {Waiting} waiting
 * @throws {Error} naming `what` as soon as the condition is false once
 */
export async function always(condition, { what, deadline = 1_000, every = 50 }) {
  const end = performance.now() + deadline;
  while (performance.now() < end) {
    if (!(await condition())) throw new Error(`for ${deadline} ms it should have held: ${what}`);
    await after(every);
  }
}

/**
 * Whether somebody listens on a unix socket. Asking knockctl instead would make it the gate for a moment while
 * knockd is still on its way up, and one of the two would find the store locked.
 * @param {string} path
 * @returns {Promise<boolean>}
 */
export function isListening(path) {
  return new Promise((settle) => {
    const socket = createConnection(path);
    socket.once("error", () => settle(false));
    socket.once("connect", () => {
      socket.destroy();
      settle(true);
    });
  });
}
