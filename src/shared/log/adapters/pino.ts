import pino from "pino";
import type { Fields, Log } from "../log.ts";

/** What openLog needs to know. */
export interface LogOptions {
  readonly name: string;
  readonly level: "debug" | "info" | "warn" | "error";
  /** Short lines for a person instead of JSON: when standard error is a terminal. */
  readonly pretty: boolean;
  readonly color: boolean;
}

const COLORS: Record<string, string> = {
  debug: "\x1b[2m",
  info: "\x1b[36m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};

/**
 * Opens the log on standard error: one JSON object a line, or on a terminal one short line. Written at once: a
 * daemon that is killed has said all it knew. A reader that goes away (EPIPE) does not stop us.
 */
export function openLog({ name, level, pretty, color }: LogOptions): Log {
  const destination = pino.destination({ fd: 2, sync: true });
  destination.on("error", () => undefined);
  const sink = pretty ? { write: (line: string) => destination.write(prettyLine(line, color)) } : destination;
  const logger = pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  const at =
    (method: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: Fields = {}) =>
      logger[method](fields, message);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function prettyLine(line: string, color: boolean): string {
  const { time, level, msg, name: _name, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  const label = String(level).padEnd(5);
  const shown = color ? `${COLORS[String(level)] ?? ""}${label}\x1b[0m` : label;
  return `${String(time).slice(11, 19)} ${shown} ${String(msg)}${rest === "" ? "" : `  ${rest}`}\n`;
}
