import type { HostFile } from "./iptables-places.ts";

/** A line as nft reads it: those of an included file stand where its `include` stood. */
export interface SourceLine {
  readonly path: string;
  /** Its line in that file, from 0. */
  readonly number: number;
  readonly raw: string;
  /** An `include` whose files follow: together with them nft must not be given it. */
  readonly followed: boolean;
}

/** Where nft looks for files that are named without a path (nft(8), -I). */
const INCLUDE_PATH = "/etc/";

/** @returns the path or pattern that a line includes; undefined for other lines, and for `./`: nobody knows from where */
function included(line: string): string | undefined {
  const [, path] = /^\s*include\s+"([^"]+)"\s*;?\s*(?:#.*)?$/.exec(line) ?? [];
  if (path === undefined || path.startsWith("./")) return undefined;
  return path.startsWith("/") ? path : INCLUDE_PATH + path;
}

/** @returns what a file of nft includes: absolute paths, with `*` and `?` in their last part */
export const includesOf = (text: string): string[] =>
  text.split("\n").flatMap((line) => included(line) ?? []);

/** @returns true when a pattern as of `includesOf` means this path */
export function isMeant(pattern: string, path: string): boolean {
  const at = pattern.lastIndexOf("/") + 1;
  const name = path.slice(at);
  if (!path.startsWith(pattern.slice(0, at)) || name.includes("/")) return false;
  if (name.startsWith(".") && !pattern.startsWith(".", at)) return false;
  const escaped = pattern.slice(at).replace(/[\\^$.+()[\]{}|]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(name);
}

/**
 * @param files all that can be included
 * @returns the lines that nft reads of a file, with those of what it includes; each file is followed once, so that
 * this ends where files include each other
 */
export function sourceOf(file: HostFile, files: readonly HostFile[]): SourceLine[] {
  const followed = new Set([file.path]); // bounded: by the files
  const follow = (pattern: string): HostFile[] => {
    const fresh = meant(pattern, files).filter(({ path }) => !followed.has(path));
    for (const { path } of fresh) followed.add(path);
    return fresh;
  };
  const linesOf = ({ path, text = "" }: HostFile): SourceLine[] =>
    text.split("\n").flatMap((raw, number) => {
      const pattern = included(raw);
      const inner = pattern === undefined ? [] : follow(pattern);
      return [{ path, number, raw, followed: inner.length > 0 }, ...inner.flatMap(linesOf)];
    });
  return linesOf(file);
}

/** @returns one text that means the same as a file with all it includes */
export const wholeOf = (source: readonly SourceLine[]): string =>
  source.flatMap(({ raw, followed }) => (followed ? [] : raw)).join("\n");

/** nft reads them in the order of their bytes. */
const meant = (pattern: string, files: readonly HostFile[]): HostFile[] =>
  files
    .filter(({ path, text }) => text !== undefined && isMeant(pattern, path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
