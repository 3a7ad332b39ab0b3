// @ts-check
// What all contestants have in common: who they are, and what can be done to them once they run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @typedef {import("../stage.mjs").Stage} Stage */
/** @typedef {import("../stage.mjs").Datagram} Datagram */

/**
 * @typedef {object} Contestant a way to open a door from outside
 * @property {string} name as tables and `--contestants` call it
 * @property {string} about one line for people: as which it is measured
 * @property {Record<string, string>} tools programs it needs, and the Debian packages that bring them
 * @property {(wish?: Wish) => Promise<Running>} start on a stage of its own
 */

/**
 * @typedef {object} Wish
 * @property {number} [users] users beside the one that knocks, where there are users
 * @property {number} [knocks] how many good knocks will be asked for
 * @property {number} [lifetime] seconds until a door closes again; an hour or longer by default
 */

/**
 * @typedef {object} Running
 * @property {string} name
 * @property {Stage} stage
 * @property {number} firstPort where its knocks begin (UDP): what a flood aims at
 * @property {number[]} daemons the processes that a `kill -9` of the whole service ends; none where rules do it alone
 * @property {(from: string) => Promise<Datagram[]>} knock a good knock, made now: making it is not measured
 * @property {() => Promise<number>} openDoors addresses that the kernel lets in
 * @property {(addresses: string[]) => Promise<void>} [letIn] very many grants in one go
 * @property {(address: string) => Promise<void>} [grant] one more, its own way
 * @property {(args: string[]) => string[]} [command] what follows `node` for one command of the admin's
 * @property {() => Promise<void>} stop takes the stage down too
 */

/** @type {Set<() => void>} bounded: one a contestant that runs */
const removals = new Set();

// Ctrl-C is an exit too
process.once("exit", () => {
  for (const remove of removals) remove();
});

/** @returns {{ folder: string, remove: () => void }} a temporary folder that does not outlive us */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "knockline-bench-"));
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
    removals.delete(remove);
  };
  removals.add(remove);
  return { folder, remove };
}

/**
 * Takes back what was begun when a start fails half-way.
 * @template T
 * @param {() => Promise<void>} stop
 * @param {() => Promise<T>} start
 * @returns {Promise<T>}
 */
export async function orStop(stop, start) {
  try {
    return await start();
  } catch (error) {
    await stop();
    throw error;
  }
}
