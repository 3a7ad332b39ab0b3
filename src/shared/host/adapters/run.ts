import { access, constants } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import type { Duration } from "../../duration.ts";

/** How a program that ran to its end came out. */
export interface RunResult {
  /** Exit code; undefined when it did not exit by itself. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /**
   * Why there is no exit code: not installed, not allowed to run, no process or memory to be had for it, over its time
   * limit, or ended by a signal.
   */
  readonly failed?: "missing" | "denied" | "exhausted" | "timeout" | "killed";
}

/** What a run is given. */
export interface RunOptions {
  /** Text for stdin; without it stdin is empty. */
  readonly input?: string;
  /** Then it is ended, and its result is `timeout`. */
  readonly timeLimit: Duration;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A child that goes on running. */
export interface Child {
  /** undefined when it could not be started; `ended` then says so. */
  readonly pid: number | undefined;
  /** Our end of a line to its file descriptor 3; undefined where none was asked for. */
  readonly line: Socket | undefined;
  /** Writes to its stdin; lost when it has ended. */
  write(text: string): void;
  /** Ends it with SIGTERM, half a second later with SIGKILL. */
  end(): void;
  /** Ends it with SIGKILL: what it is about to do must not happen. */
  kill(): void;
  /** Resolves when it has ended, for whatever reason; never rejects. */
  readonly ended: Promise<{ readonly code: number | undefined; readonly missing: boolean }>;
}

/** What a child is given; a stream without a reader is thrown away. Text comes in pieces, not lines. */
export interface ChildOptions {
  readonly stdout?: (text: string) => unknown;
  /** Instead of `stdout`, for a program that writes bytes. */
  readonly bytes?: (piece: Buffer) => unknown;
  readonly stderr?: (text: string) => unknown;
  /** A line in both directions, beside its streams. */
  readonly line?: true;
  readonly env?: Readonly<Record<string, string>>;
}

/** Plain messages whatever the admin's language, and the folders of system programs also for a plain user. */
function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: `${process.env.PATH ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`, LC_ALL: "C", ...extra };
}

/**
 * Runs a program to its end. No shell: the arguments reach it as they are.
 * @param command program and arguments
 * @returns its result, never a rejection: a program that is missing or fails is an outcome for the caller to read
 */
export async function run(command: readonly string[], options: RunOptions): Promise<RunResult> {
  const [file = "", ...args] = command;
  const result = await execa(file, args, {
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    env: environment(options.env),
    timeout: options.timeLimit,
    reject: false,
    stripFinalNewline: false,
  });
  const text = { stdout: String(result.stdout ?? ""), stderr: String(result.stderr ?? "") };
  if (result.exitCode !== undefined) return { code: result.exitCode, ...text };
  return { code: undefined, ...text, failed: result.timedOut ? "timeout" : reason(result.code) };
}

/** What the errors of fork(2) and execve(2) mean. */
const REASONS = { ENOENT: "missing", EACCES: "denied", EAGAIN: "exhausted", ENOMEM: "exhausted" } as const;

const reason = (errno = ""): NonNullable<RunResult["failed"]> =>
  REASONS[errno as keyof typeof REASONS] ?? "killed";

/** @returns whether a program would be found by `run` and `start` */
export async function isInstalled(program: string): Promise<boolean> {
  const folders = environment().PATH?.split(":") ?? [];
  const found = folders.map((folder) => access(join(folder, program), constants.X_OK).then(() => true));
  return Promise.any(found).catch(() => false);
}

/** Starts a program that goes on running; it is ended with this process. No shell. */
export function start(command: readonly string[], options: ChildOptions): Child {
  const [file = "", ...args] = command;
  const child = execa(file, args, {
    stdio: [
      "pipe",
      options.stdout === undefined && options.bytes === undefined ? "ignore" : "pipe",
      options.stderr === undefined ? "ignore" : "pipe",
      ...(options.line ? (["pipe"] as const) : []),
    ],
    env: environment(options.env),
    buffer: false,
    reject: false,
    forceKillAfterDelay: 500,
  });
  if (options.stdout !== undefined) child.stdout?.setEncoding("utf8").on("data", options.stdout);
  if (options.bytes !== undefined) child.stdout?.on("data", options.bytes);
  if (options.stderr !== undefined) child.stderr?.setEncoding("utf8").on("data", options.stderr);
  child.stdin.on("error", () => undefined); // it has ended: `ended` tells
  return {
    pid: child.pid,
    line: child.stdio[3] as Socket | undefined, // node:child_process makes each pipe a pair of unix sockets
    write: (text) => void child.stdin.write(text),
    end: () => void child.kill(),
    kill: () => void child.kill("SIGKILL"),
    ended: child.then(({ exitCode, code }) => ({ code: exitCode, missing: code === "ENOENT" })),
  };
}
