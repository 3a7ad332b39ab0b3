import { createInterface, type Interface } from "node:readline/promises";
import { Writable } from "node:stream";
import { misused } from "../failure.ts";

/** Keeps what readline would echo. */
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Asks on standard error: standard output may be a file or jq. */
async function ask(dialogue: Interface, question: string, signal: AbortSignal): Promise<string> {
  process.stderr.write(`${question}: `);
  const line = await dialogue.question("", { signal }).catch(() => undefined);
  process.stderr.write("\n");
  if (line === undefined) throw misused("interrupted: nothing was changed", "run it again");
  return line;
}

async function askTwice(question: string): Promise<string> {
  const dialogue = createInterface({ input: process.stdin, output: nowhere(), terminal: true });
  const left = new AbortController();
  dialogue.once("close", () => left.abort()); // Ctrl-C, Ctrl-D
  try {
    const first = await ask(dialogue, question, left.signal);
    if (first === (await ask(dialogue, `${question} again`, left.signal))) return first;
    throw misused("the two are not the same", "run it again");
  } finally {
    dialogue.close();
  }
}

async function firstLine(): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) return line;
    return undefined;
  } finally {
    lines.close();
  }
}

/**
 * Reads one secret line from standard input: without echo and twice on a terminal, else the first line.
 * @throws Failure (usage) when there is none, or the two differ
 */
export async function readSecret(question: string): Promise<string> {
  if (process.stdin.isTTY) return askTwice(question);
  const line = (await firstLine())?.trim() ?? "";
  if (line === "") throw misused("standard input is empty", "give it there as one line");
  return line;
}
