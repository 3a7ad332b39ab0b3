/** A span of time in milliseconds. Written `seconds(5)`, never as a bare number. */
export type Duration = number & { readonly __duration: unique symbol };

/** One moment on both clocks: `wall` in ms since 1970, `uptime` in ms since boot (it counts suspend, and never jumps). */
export interface Instant {
  readonly wall: number;
  readonly uptime: number;
}

/** The port to time: pure code is given the Instant, or this, and never reads a clock itself. */
export type Clock = () => Instant;

/** @returns n milliseconds as a Duration. */
export const milliseconds = (n: number): Duration => n as Duration;
/** @returns n seconds as a Duration. */
export const seconds = (n: number): Duration => (n * 1000) as Duration;
/** @returns n minutes as a Duration. */
export const minutes = (n: number): Duration => seconds(n * 60);
/** @returns n hours as a Duration. */
export const hours = (n: number): Duration => minutes(n * 60);
/** @returns n days as a Duration. */
export const days = (n: number): Duration => hours(n * 24);

const UNITS = { s: seconds(1), m: minutes(1), h: hours(1), d: days(1) } as const;

/** Parses `90s`, `15m`, `2h`, `1d`, also several (`1h30m`). @returns undefined for anything else, for zero, and over 366 days. */
export function parseDuration(text: string): Duration | undefined {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return undefined;
  let total = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)([smhd])/g))
    total += Number(n) * UNITS[unit as keyof typeof UNITS];
  return total > 0 && total <= days(366) ? (total as Duration) : undefined;
}

/** Writes a duration for a person in at most two units: `59s`, `12m`, `1h05m`, `3d4h`. Rounds down to the second. */
export function formatDuration(span: Duration): string {
  const s = Math.max(0, Math.floor(span / 1000));
  const two = (n: number): string => String(n).padStart(2, "0");
  if (s < 60) return `${s}s`;
  if (s < 3600)
    return s % 60 === 0 || s >= 600 ? `${Math.floor(s / 60)}m` : `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86_400)
    return s % 3600 < 60
      ? `${Math.floor(s / 3600)}h`
      : `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
  return s % 86_400 < 3600
    ? `${Math.floor(s / 86_400)}d`
    : `${Math.floor(s / 86_400)}d${Math.floor((s % 86_400) / 3600)}h`;
}
