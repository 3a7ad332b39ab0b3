import type { Duration } from "../../../shared/duration.ts";
import { lineSplitter } from "../../../shared/gate/lines.ts";
import { start } from "../../../shared/host/adapters/run.ts";
import type { Outcome } from "../link.ts";
import type { Command, Credentials, Report } from "../messages.ts";

/** The longest line a child says: an event with a caller's name and number. Bytes. */
const MAX_REPORT = 1 << 20;

/** Words of a child that are about itself. */
export type Words = Exclude<Report, { say: "done" | "failed" }>;

/** One life of the child that runs ari-client. */
export interface Child {
  /** Gives it an order. A child that does not answer within the limit is killed: then the outcome is `down`. */
  order(command: Command, limit: Duration): Promise<Outcome<{ value: string }>>;
  /** Kills it. */
  kill(): void;
  /** Resolves when its process is gone, never rejects. `missing`: the program could not be started. */
  readonly ended: Promise<{ readonly missing: boolean }>;
}

/**
 * Starts a child.
 * @param command its program and arguments
 * @param hear is told its words, in order, none after its end
 */
export function startChild(
  command: readonly string[],
  credentials: Credentials,
  hear: (words: Words) => void,
): Child {
  // bounded: every order leaves after its answer, its time limit or the child's end
  const waiting = new Map<number, (outcome: Outcome<{ value: string }>) => void>();
  let last = 0;
  const split = lineSplitter(MAX_REPORT);
  const child = start(command, { stdout: (text) => read(text) });
  const settle = (id: number, outcome: Outcome<{ value: string }>): void => {
    waiting.get(id)?.(outcome);
    waiting.delete(id);
  };

  function read(text: string): void {
    try {
      for (const line of split(Buffer.from(text))) take(JSON.parse(line) as Report);
    } catch {
      child.kill(); // it does not speak our language: in doubt, another
    }
  }

  function take(report: Report): void {
    if (report.say === "done") settle(report.id, { ok: true, value: report.value ?? "" });
    else if (report.say === "failed") {
      const { id, gone, message } = report;
      settle(id, { ok: false, why: gone ? "gone" : "failed", message });
    } else hear(report);
  }

  const ended = child.ended.then(({ missing }) => {
    for (const id of [...waiting.keys()]) settle(id, down("the link to Asterisk ended"));
    return { missing };
  });
  child.write(`${JSON.stringify(credentials)}\n`);
  return {
    order: (command, limit) =>
      new Promise((resolve) => {
        const id = ++last;
        const timer = setTimeout(() => {
          settle(id, down("Asterisk did not answer in time"));
          child.kill();
        }, limit);
        waiting.set(id, (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        });
        child.write(`${JSON.stringify({ ...command, id })}\n`);
      }),
    kill: () => child.kill(),
    ended,
  };
}

/** @returns the outcome of a command that the link could not bring to Asterisk */
export function down(message: string): {
  readonly ok: false;
  readonly why: "down";
  readonly message: string;
} {
  return { ok: false, why: "down", message };
}
