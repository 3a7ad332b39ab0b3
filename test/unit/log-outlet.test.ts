import { describe, expect, test } from "vitest";
import { Outlet, type Stream } from "../../src/shared/log/outlet.ts";

interface Waiting {
  readonly text: string;
  readonly done: (error?: Error) => void;
}

/** A reader who reads, stands still or is gone, as a test says. */
class Reader implements Stream {
  readonly read: string[] = [];
  #is: "reading" | "still" | "gone" = "reading";
  readonly #waiting: Waiting[] = [];

  get writableLength(): number {
    return this.#waiting.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  }

  write(text: string, done: (error?: Error) => void): void {
    this.#waiting.push({ text, done });
    this.becomes(this.#is);
  }

  becomes(state: "reading" | "still" | "gone"): void {
    this.#is = state;
    while (this.#is !== "still") {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (this.#is === "reading") this.read.push(next.text);
      next.done(this.#is === "gone" ? new Error("EPIPE") : undefined);
    }
  }
}

/** A log's outlet that says how many were lost in a line of its own, as the log does. */
function openOutlet(): { reader: Reader; outlet: Outlet } {
  const reader = new Reader();
  const outlet: Outlet = new Outlet(reader, (lost) => outlet.write(`lost ${lost}`));
  return { reader, outlet };
}

const KIB = 1_024;
const long = (name: string): string => `${name} ${"é".repeat(KIB * 4)}`; // 8 KiB and a little: eight are enough

describe("a log's outlet", () => {
  test("hands every line to a reader who reads, and says nothing of its own", () => {
    const { reader, outlet } = openOutlet();
    for (const line of ["a", "b", "c"]) outlet.write(line);
    expect(reader.read).toEqual(["a", "b", "c"]);
  });

  test("keeps what a reader who stands still may yet read, counts the rest, and says so where it is missing", () => {
    const { reader, outlet } = openOutlet();
    reader.becomes("still");
    for (let n = 1; n <= 20; n += 1) outlet.write(long(`${n}`));
    outlet.write("short, and lost all the same");
    expect(reader.writableLength).toBeLessThan(80 * KIB);
    reader.becomes("reading");
    outlet.write("after");
    expect(reader.read.map((line) => line.slice(0, 7).split(" é")[0])).toEqual([
      ...["1", "2", "3", "4", "5", "6", "7", "8"],
      "lost 13",
      "after",
    ]);
  });

  test("hands over a line that is longer than all that may wait", () => {
    const { reader, outlet } = openOutlet();
    const lines = ["before", "x".repeat(1_024 * KIB), "after"];
    for (const line of lines) outlet.write(line);
    expect(reader.read).toEqual(lines);
  });

  test("keeps nothing for a reader who is gone, and tells the next one of it", () => {
    const { reader, outlet } = openOutlet();
    reader.becomes("gone");
    for (let n = 1; n <= 1_000; n += 1) outlet.write(`${n}`);
    expect(reader.writableLength).toBe(0);
    reader.becomes("reading");
    outlet.write("somebody reads again");
    outlet.write("after");
    expect(reader.read).toEqual(["somebody reads again", "lost 1000", "after"]);
  });

  test("counts what waited for a reader who stood still, and went", () => {
    const { reader, outlet } = openOutlet();
    reader.becomes("still");
    for (let n = 1; n <= 20; n += 1) outlet.write(long(`${n}`));
    reader.becomes("gone");
    outlet.write("nobody");
    reader.becomes("reading");
    outlet.write("somebody");
    expect(reader.read).toEqual(["somebody", "lost 21"]);
  });
});
