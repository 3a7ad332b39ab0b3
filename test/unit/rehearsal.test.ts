import { beforeEach, expect, test } from "vitest";
import { Rehearsal } from "../../src/knockd/rehearsal.ts";

let waiting: (() => void)[];
let rounds: string[];
let rehearsal: Rehearsal;
const passes = (): void => {
  for (const task of waiting.splice(0)) task();
};

beforeEach(() => {
  waiting = [];
  rounds = [];
  rehearsal = new Rehearsal((task) => waiting.push(task));
});

test("a series goes on until the knock is there", () => {
  rehearsal.begin(() => rounds.push("a"));
  expect(rounds).toEqual([]);
  passes();
  passes();
  rehearsal.end();
  passes();
  expect(rounds).toEqual(["a", "a"]);
  expect(waiting).toEqual([]);
});

test("a knock that does not come is not waited for long", () => {
  rehearsal.begin(() => rounds.push("a"));
  for (let n = 0; n < 100; n++) passes();
  expect(rounds.length).toBeGreaterThan(10);
  expect(rounds.length).toBeLessThan(16);
  expect(waiting).toEqual([]);
});

test("however many stand before a door, there is one series, for the one who came last", () => {
  for (let n = 0; n < 1_000; n++) rehearsal.begin(() => rounds.push(`${n}`));
  expect(waiting).toHaveLength(1);
  passes();
  expect(rounds).toEqual(["999"]);
  expect(waiting).toHaveLength(1);
});

test("a series that ended begins anew", () => {
  rehearsal.begin(() => rounds.push("a"));
  rehearsal.end();
  passes();
  rehearsal.begin(() => rounds.push("b"));
  passes();
  expect(rounds).toEqual(["b"]);
  expect(waiting).toHaveLength(1);
});
