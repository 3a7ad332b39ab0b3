import { constants, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { misused } from "../failure.ts";

/** What the gate takes of a text in a question. Bytes. */
const MOST = 32_768;

async function collected(stream: Readable, name: string, most: number): Promise<string> {
  const chunks: Buffer[] = []; // bounded: most, and one chunk
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) throw misused(`${name} is longer than ${most >> 10} KiB`, "is it the right file?");
  }
  return Buffer.concat(chunks).toString();
}

/** @returns why a file that a person named cannot be read, in a sentence */
export function unreadable(path: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" || code === "ENOTDIR") return `there is no file ${JSON.stringify(path)}`;
  if (code === "EACCES" || code === "EPERM") return `${path} may not be read by this user`;
  return `${path} cannot be read: ${message}`;
}

/**
 * Reads a short text. @param path a file, or `-` for standard input
 * @param most bytes @throws Failure (usage) when it cannot be read or is longer
 */
export async function readText(path: string, most = MOST): Promise<string> {
  if (path === "-") return collected(process.stdin, "standard input", most);
  const cure = "name a file that is there, or `-` for standard input";
  // a pipe that nobody writes to would let the plain open wait for ever
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error) => {
    throw misused(unreadable(path, error), cure);
  });
  if (!(await file.stat()).isFile()) {
    await file.close();
    throw misused(`${path} is no file`, cure);
  }
  return collected(file.createReadStream(), path, most);
}
