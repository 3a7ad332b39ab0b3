import { fstatSync } from "node:fs";
import pino from "pino";
import type { Fields, Log } from "../log.ts";
import { Outlet, type Stream } from "../outlet.ts";
import { escaped } from "../unprintable.ts";

type Level = "debug" | "info" | "warn" | "error";

/** For whom lines are written: one JSON object each, for journald with its weight before it, or short for a person. */
export type Style = "json" | "journal" | "plain" | "coloured";

/** What openLog needs to know. */
export interface LogOptions {
  readonly name: string;
  readonly level: Level;
  readonly style: Style;
}

/** What journald takes for the line's PRIORITY (sd-daemon(3)). */
const WEIGHTS: Readonly<Record<Level, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

const COLORS: Readonly<Record<string, string>> = {
  debug: "\x1b[2m",
  info: "\x1b[36m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};

/** @returns what suits standard error: a terminal, the journal (JOURNAL_STREAM, systemd.exec(5)), or anything else */
export function styleOfStandardError(): Style {
  if (process.stderr.isTTY) return process.env.NO_COLOR === undefined ? "coloured" : "plain";
  const { dev, ino } = fstatSync(2);
  return process.env.JOURNAL_STREAM === `${dev}:${ino}` ? "journal" : "json";
}

/**
 * Opens the log: one JSON object a line, or on a terminal one short line. Whatever the fields hold, a line stays one
 * line, and no control character is in it. Lines that nobody reads are counted, not waited for.
 * @param stream where lines go: standard error
 */
export function openLog({ name, level, style }: LogOptions, stream: Stream = standardError()): Log {
  const line = LINES[style];
  const outlet = new Outlet(stream, (lost) =>
    log.warn("lines of this log were lost: nobody read it", { lost }),
  );
  const logger = pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (json: string) => outlet.write(`${line(json.trimEnd())}\n`) },
  );
  const at =
    (method: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: Fields = {}) =>
      logger[method](fields, message);
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return log;
}

/**
 * Node's own stream: what a pipe or journald takes is written at once, so that a daemon that is killed has said all
 * it knew; what it does not take waits in memory, for libuv has made it non-blocking.
 */
function standardError(): Stream {
  return process.stderr.on("error", () => undefined); // the outlet hears of it with the line
}

/** pino leaves C1 controls as they are, which JSON allows and some terminals obey: hence `escaped`. */
const LINES: Readonly<Record<Style, (json: string) => string>> = {
  json: escaped,
  journal: (json) => `<${WEIGHTS[JSON.parse(json).level as Level]}>${escaped(json)}`,
  plain: (json) => prettyLine(json, false),
  coloured: (json) => prettyLine(json, true),
};

function prettyLine(line: string, color: boolean): string {
  const { time, level, msg, name: _name, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  const label = String(level).padEnd(5);
  const shown = color ? `${COLORS[String(level)] ?? ""}${label}\x1b[0m` : label;
  return `${String(time).slice(11, 19)} ${shown} ${escaped(String(msg) + (rest === "" ? "" : `  ${rest}`))}`;
}
