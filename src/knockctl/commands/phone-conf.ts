import type { ConfFile } from "./phone-pbx.ts";

/** One `key = value` or `key => value`. */
export interface ConfLine {
  /** Empty before the first `[section]`. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** Comments: `;` to the end of the line unless escaped, and `;-- ... --;` over several lines. */
function withoutComments(text: string): string {
  return text.replace(/;--.*?--;/gs, "").replace(/(^|[^\\]);.*$/gm, "$1");
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
        if (name !== undefined) section = name;
        const [, key, value] = /^\s*([^\s=[#][^=]*?)\s*=>?\s*(.*?)\s*$/.exec(line) ?? [];
        return name !== undefined || key === undefined
          ? []
          : [{ section, key: key.toLowerCase(), value: value ?? "" }];
      });
  });
}

/**
 * @returns the last value of a key in a section. Lines of an included file without a section of its own belong to the
 *   one it was included in: FreePBX writes http_additional.conf so.
 */
export function inForce(lines: readonly ConfLine[], section: string, key: string): string | undefined {
  return lines.findLast((line) => ["", section].includes(line.section) && line.key === key)?.value;
}
