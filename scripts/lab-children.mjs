// @ts-check
// Child processes of the lab: followed to their end, found by their network namespace.
import { readFileSync, readlinkSync } from "node:fs";

/**
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Ran
 * `code` is null when a signal ended it (SIGKILL when it ran into its timeout).
 */

/**
 * @typedef {object} Running a child process in a namespace that goes on
 * @property {number} pid
 * @property {import("node:child_process").ChildProcessWithoutNullStreams} child
 * @property {() => string} output all it said on stdout and stderr, the last 1 MiB
 * @property {Promise<Ran>} ended
 * @property {(signal?: NodeJS.Signals) => Promise<Ran>} kill SIGTERM by default; settles when it has ended
 */

/** Output kept of a child, in characters: older text goes first. */
const OUTPUT_CAP = 1 << 20;

/**
 * @param {number | string} pid
 * @returns {string | undefined} the network namespace a process is in; undefined when it is gone or not ours to ask
 */
export function spaceOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/**
 * @param {number} pid
 * @returns {number[]} the processes that its main thread has started and that have not ended
 * @throws {Error} when there is no such process
 */
export function childrenOf(pid) {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return list === "" ? [] : list.split(" ").map(Number);
}

/** @param {number} pid */
export function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself in between
  }
}

/**
 * @param {import("node:stream").Readable} stream
 * @returns {() => string} what it said so far, the last OUTPUT_CAP characters
 */
export function collect(stream) {
  // bounded: twice the cap. Cut only then: to cut a megabyte at each line of a talkative child is half a processor
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
    if (text.length > 2 * OUTPUT_CAP) text = text.slice(-OUTPUT_CAP);
  });
  return () => text.slice(-OUTPUT_CAP);
}

/**
 * @param {import("node:child_process").ChildProcessWithoutNullStreams} child
 * @returns {Running}
 */
export function follow(child) {
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  /** @type {Promise<Ran>} */
  const ended = new Promise((settle) => {
    child.once("error", (error) =>
      settle({ code: 127, signal: null, stdout: stdout(), stderr: error.message }),
    );
    /** @param {number | null} code @param {NodeJS.Signals | null} signal */
    const done = (code, signal) => settle({ code, signal, stdout: stdout(), stderr: stderr() });
    child.once("close", done);
    // a grandchild may hold the pipes open for as long as it likes: nobody waits for it
    child.once("exit", (code, signal) => setTimeout(done, 300, code, signal).unref());
  });
  return {
    pid: /** @type {number} */ (child.pid),
    child,
    output: () => stdout() + stderr(),
    ended,
    kill(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
