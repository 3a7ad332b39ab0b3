// @ts-check
// What is left when things go wrong: the daemon killed, the tables flushed, a knock captured.
import { setTimeout as after } from "node:timers/promises";
import { everybody, programs } from "../contestants/all.mjs";
import { killAll } from "../processes.mjs";
import { inTurn, rowOf } from "./measurement.mjs";

/** How long a door stays open in these, in seconds, and how long one is watched for in milliseconds. */
const LIFETIME = 3;
const WATCH = 6_000;
const EVERY = 100;

/** @param {import("./measurement.mjs").Running} running @returns {Promise<string>} an address that is let in now */
async function knockIn(running) {
  const from = running.stage.freshSource();
  const opened = await running.stage.timeKnock(from, await running.knock(from));
  if (opened === null) throw new Error(`${running.name} did not open`);
  return from;
}

/**
 * @param {() => Promise<boolean>} condition
 * @param {number} start since when it is counted, on performance.now
 * @returns {Promise<number | null>} after how many milliseconds it held; null: not while it was watched
 */
async function whenTrue(condition, start) {
  while (performance.now() - start < WATCH) {
    const asked = performance.now() - start;
    if (await condition()) return asked;
    await after(EVERY);
  }
  return null;
}

/** @type {import("./measurement.mjs").MeasurementOf<null>} */
export const kill9 = {
  name: "kill-9",
  title: "A door with a time limit, and `kill -9` of the daemon and its children",
  method: `The door is to stay open for ${LIFETIME} s. It opens, everything of the contestant is killed, and it is tried every
${EVERY} ms for ${WATCH / 1000} s.`,
  contestants: programs,
  counts: { quick: null, usual: null, full: null },
  columns: [
    { key: "closes", head: "closes" },
    { key: "after_s", head: "after s", digits: 1 },
  ],
  measure: (contestants, _count, tell) =>
    inTurn(contestants, { lifetime: LIFETIME }, tell, async (running) => {
      tell(running.name);
      const from = await knockIn(running);
      const start = performance.now();
      killAll(running.daemons);
      const ms = await whenTrue(async () => !(await running.stage.isOpen(from)), start);
      return { contestant: running.name, closes: ms !== null, after_s: ms === null ? null : ms / 1000 };
    }),
  missed: (rows) => [rowOf(rows, "knockline")?.closes === false && "a door stays open after kill -9"],
};

/** @type {import("./measurement.mjs").MeasurementOf<null>} */
export const flush = {
  name: "flush",
  title: "`nft flush ruleset`",
  method: `One address is let in; all tables are flushed, as a reload of the host's firewall does. Right again: the door is shut to
a stranger, and open to the one who was let in. Watched for ${WATCH / 1000} s.`,
  contestants: programs,
  counts: { quick: null, usual: null, full: null },
  columns: [
    { key: "right_again", head: "right again" },
    { key: "after_ms", head: "after ms", digits: 0 },
  ],
  measure: (contestants, _count, tell) =>
    inTurn(contestants, {}, tell, async (running) => {
      tell(running.name);
      const { stage } = running;
      const [from, stranger] = [await knockIn(running), stage.freshSource()];
      const start = performance.now();
      await stage.must("nft", ["flush", "ruleset"]);
      const right = async () => !(await stage.isOpen(stranger, 100)) && (await stage.isOpen(from, 100));
      const ms = await whenTrue(right, start);
      return { contestant: running.name, right_again: ms !== null, after_ms: ms };
    }),
  missed: (rows) => [
    rowOf(rows, "knockline")?.right_again === false && "the table is not right after a flush",
  ],
};

/** @type {import("./measurement.mjs").MeasurementOf<null>} */
export const replay = {
  name: "replay",
  title: "A captured knock, sent again",
  method:
    "The datagrams of a knock that opened are sent once more, byte for byte, from another address, which then tries the door.",
  contestants: everybody,
  counts: { quick: null, usual: null, full: null },
  columns: [{ key: "opens", head: "opens" }],
  measure: (contestants, _count, tell) =>
    inTurn(contestants, {}, tell, async ({ name, stage, knock }) => {
      tell(name);
      const [from, thief] = [stage.freshSource(), stage.freshSource()];
      const datagrams = await knock(from);
      if ((await stage.timeKnock(from, datagrams)) === null) throw new Error(`${name} did not open`);
      return { contestant: name, opens: (await stage.knockAndLook(thief, datagrams, 1_000)) !== null };
    }),
  missed: (rows) =>
    ["knockline otp", "knockline ssh"].map(
      (name) => rowOf(rows, name)?.opens === true && `a replay opens: ${name}`,
    ),
};
