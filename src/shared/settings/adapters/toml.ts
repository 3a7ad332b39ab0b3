import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { SettingsError } from "../problem.ts";

const one = (file: string, message: string, cure: string): SettingsError =>
  new SettingsError(file, [{ path: "", message }], cure);

function unreadable(file: string, error: NodeJS.ErrnoException): SettingsError {
  if (error.code === "ENOENT") {
    return one(
      file,
      `there is no settings file ${file}`,
      "make one with: knockctl init (or name another with --config)",
    );
  }
  if (error.code === "EACCES")
    return one(file, `${file} may not be read`, "run as root, or as the owner of the instance");
  return one(file, `${file} cannot be read: ${error.message}`, "name a settings file with --config");
}

/**
 * Reads a settings file as plain TOML, nothing checked beyond its syntax.
 * @throws SettingsError when it is missing, may not be read, or is no TOML (with line and column)
 */
export async function readToml(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error);
  });
  return parseToml(text, file);
}

/**
 * Parses TOML.
 * @param file its name, for the error
 * @throws SettingsError with line and column
 */
export function parseToml(text: string, file: string): Record<string, unknown> {
  const parsed = tryToml(text);
  if (parsed.ok) return parsed.value;
  throw one(
    file,
    `${file}:${parsed.line}:${parsed.column}: ${parsed.what}`,
    `correct line ${parsed.line}, then: knockctl config check`,
  );
}

/** What a text holds as TOML, or where it is none. */
export type TriedToml =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly what: string };

/** Parses TOML that is no settings file. */
export function tryToml(text: string): TriedToml {
  try {
    return { ok: true, value: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = "not TOML"] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    return { ok: false, line: error.line, column: error.column, what };
  }
}
