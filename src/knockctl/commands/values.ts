import { parseDuration } from "../../shared/duration.ts";
import { misused } from "../failure.ts";
import type { World } from "../world.ts";

/** @returns whole seconds of a time like `90s`. @throws Failure (usage) */
export function secondsOf(option: string, text: string): number {
  const span = parseDuration(text);
  if (span !== undefined) return span / 1000;
  throw misused(`${option}: ${JSON.stringify(text)} is no time`, "write it as 90s, 15m, 2h or 1d");
}

/** @returns the parts of `ssh,sip`. @throws Failure (usage) when one is empty */
export function listOf(option: string, text: string): string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.every((part) => part !== "")) return parts;
  throw misused(`${option}: ${JSON.stringify(text)} is no list`, "write names with commas between: ssh,sip");
}

/**
 * @param orSpan what else may be written, for the cure: `30d, `
 * @returns the end of a day `2026-12-31`, or an ISO time as it is, in ISO 8601 UTC
 * @throws Failure (usage)
 */
export function dateOf(option: string, text: string, orSpan = ""): string {
  const day = /^\d{4}-\d\d-\d\d$/.test(text);
  const at = new Date(day ? `${text}T23:59:59Z` : text);
  // a date that does not exist is moved by Date (02-30 to 03-02): refused
  const real =
    !Number.isNaN(at.getTime()) && /^\d{4}-/.test(text) && (!day || at.toISOString().startsWith(text));
  if (real) return at.toISOString();
  throw misused(
    `${option}: ${JSON.stringify(text)} is no date`,
    `write it as ${orSpan}2026-12-31 or 2026-12-31T18:00:00Z`,
  );
}

/** @returns the moment meant by a time ago (`1d`) or by a date, in ISO 8601 UTC. @throws Failure (usage) */
export function sinceOf(option: string, text: string, now: number): string {
  const span = parseDuration(text);
  if (span !== undefined) return new Date(now - span).toISOString();
  return dateOf(option, /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text, "1d, 2h, ");
}

/**
 * What is looked for in a folder that is not there is not found, and that would pass for good news.
 * @returns the folder. @throws Failure (usage) when there is none
 */
export async function folderOf(option: string, path: string, world: World): Promise<string> {
  // of a file there is no `.`
  if (path !== "" && (await world.exists(`${path}/.`))) return path;
  throw misused(
    `${option}: ${JSON.stringify(path)} is no folder`,
    "name one that is there, `/` for this host itself",
  );
}

/** `@returns` an object without the keys whose value is undefined: absent and undefined differ in JSON schemas. */
export function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
