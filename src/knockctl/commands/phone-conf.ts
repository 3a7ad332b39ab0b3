import type { ConfFile } from "./phone-pbx.ts";

/** One `key = value` or `key => value`. */
export interface ConfLine {
  /** Empty before the first `[section]`. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** Comments: `;` to the end of the line unless escaped, and `;-- ... --;` over several lines (`;---` is a line's). */
function withoutComments(text: string): string {
  let kept = "";
  let at = 0;
  for (const { index } of text.matchAll(/;--(?!-)/g)) {
    if (index < at) continue; // inside another
    kept += text.slice(at, index);
    const end = text.indexOf("--;", index + 3);
    at = end === -1 ? text.length : end + 3;
  }
  return (kept + text.slice(at)).replace(/(^|[^\\]);.*$/gm, "$1");
}

/**
 * Reads Asterisk's settings (extensions.conf and others share the form): sections, values in order, keys in lower case.
 * Includes are not followed: the caller hands over every file of a name. `same` keeps its key.
 */
export function readConf(files: readonly ConfFile[]): ConfLine[] {
  return files.flatMap(({ text }) => {
    let section = "";
    return withoutComments(text)
      .split("\n")
      .flatMap((line): ConfLine[] => {
        const [, name] = /^\s*\[([^\]]+)\]/.exec(line) ?? [];
        section = name ?? section;
        const pair = name === undefined ? readPair(line) : undefined;
        return pair === undefined ? [] : [{ section, ...pair }];
      });
  });
}

/** Reads `key = value` or `key => value`. Not by one pattern: long runs of blanks would make it try for minutes. */
function readPair(line: string): Pick<ConfLine, "key" | "value"> | undefined {
  const equals = line.indexOf("=");
  const key = line.slice(0, Math.max(0, equals)).trim();
  if (key === "" || /^[[#]/.test(key)) return undefined;
  return {
    key: key.toLowerCase(),
    value: line
      .slice(equals + 1)
      .replace(/^>/, "")
      .trim(),
  };
}

/**
 * @returns the last value of a key in a section. Lines of an included file without a section of its own belong to the
 *   one it was included in: FreePBX writes http_additional.conf so.
 */
export function inForce(lines: readonly ConfLine[], section: string, key: string): string | undefined {
  return lines.findLast((line) => ["", section].includes(line.section) && line.key === key)?.value;
}
