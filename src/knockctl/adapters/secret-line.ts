import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { misused } from "../failure.ts";

/** Keeps what readline would echo. */
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Asks on standard error: standard output may be a file or jq. */
async function ask(lines: AsyncIterator<string>, question: string): Promise<string> {
  process.stderr.write(`${question}: `);
  const { done, value } = await lines.next();
  process.stderr.write("\n");
  // Ctrl-C, Ctrl-D
  if (done) throw misused("interrupted: nothing was changed", "run it again");
  return value.trim();
}

async function askHidden(question: string, twice: boolean): Promise<string> {
  const dialogue = createInterface({
    input: process.stdin,
    output: nowhere(),
    terminal: true,
    historySize: 0, // an arrow key must not bring the first one back
  });
  const lines = dialogue[Symbol.asyncIterator]();
  try {
    const first = await ask(lines, question);
    if (!twice || first === (await ask(lines, `${question} again`))) return first;
    throw misused("the two are not the same", "run it again");
  } finally {
    dialogue.close();
  }
}

async function firstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line.trim();
    return "";
  } finally {
    lines.close();
  }
}

/**
 * Reads one secret line from standard input: without echo on a terminal, and `twice` unless told otherwise; else the
 * first line.
 * @throws Failure (usage) when there is none, or the two differ
 */
export async function readSecret(question: string, twice = true): Promise<string> {
  const line = process.stdin.isTTY ? await askHidden(question, twice) : await firstLine();
  if (line === "") throw misused(`no ${question} was given`, "give it on standard input, in one line");
  return line;
}
