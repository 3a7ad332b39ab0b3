/** Fields of a log line. No secret: no PIN, code, key, knock port in sequence, or payload. */
export type Fields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** The port to the log: what happened in words that stay the same, and the particulars as fields. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** A log that says nothing: for one-shot commands and unit tests. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
