import { strict as assert } from "node:assert";
import { openLog } from "../../src/shared/log/adapters/pino.ts";
import { assertPrintable, target } from "./target.ts";

const lines: string[] = []; // bounded: emptied at each run
const stream = { write: (line: string) => lines.push(line), writableLength: 0 };
const logs = (["json", "journal", "plain"] as const).map((style) =>
  openLog({ name: "phone-auth", level: "info", style }, stream),
);

/** What the kinds of log write of a text from outside: a caller's number, say. */
function written(text: string): string[] {
  lines.length = 0;
  for (const log of logs) {
    log.info("a call", { number: text, services: [text, "ssh"], request: null });
    log.warn(text);
  }
  return [...lines];
}

export const log = target({
  name: "log",
  seeds: () => ["+4912345", "Ann <201>", '"quoted"', "\u001b[31mred\u009b0m\u202e\u2028"],
  words: ["=", " ", "\u0085", "\u2029", "\u200f", "level"],
  run: (bytes) => written(bytes.toString()),
  holds: (all, bytes) => {
    assert.equal(all.length, 6);
    for (const line of all) assertPrintable(line.slice(0, -1));
    const [info, warning] = all.slice(0, 2).map((line) => JSON.parse(line));
    assert.deepEqual([info.number, warning.msg], [bytes.toString(), bytes.toString()]);
  },
});
