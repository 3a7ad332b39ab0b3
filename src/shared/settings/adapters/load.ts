import { existsSync, realpathSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathsFor } from "../paths.ts";
import { cureForLostSecret, SettingsError } from "../problem.ts";
import type { Paths, Settings } from "../settings.ts";
import { readToml } from "./toml.ts";

/**
 * Reads and decodes the settings.
 * @param file the settings file; relative to the working directory
 * @throws SettingsError with every problem, one a line
 */
export async function loadSettings(file: string): Promise<Settings> {
  const path = resolve(file);
  const raw = await readToml(path);
  // loaded late: the decoder brings zod, which costs as much as half of Node's own start
  const { decodeSettings } = await import("../decode/settings.ts");
  const decoded = decodeSettings(raw, path, shippedSounds());
  if (decoded.ok) return decoded.settings;
  throw new SettingsError(path, decoded.errors, `correct ${path}, then: knockctl config check`);
}

/**
 * Finds an instance's files without decoding its settings: the light way, for a question to a running knockd.
 * @throws SettingsError when the file is missing or no TOML
 */
export async function locate(file: string): Promise<Paths> {
  const path = resolve(file);
  return pathsFor(path, (await readToml(path)).paths);
}

/**
 * Finds the recordings beside the programs: a checkout and an unpacked tarball have them at the top, next to bin/ and
 * dist/. @returns undefined where there are none; the package has them in a place of their own
 */
function shippedSounds(): string | undefined {
  const [, program] = process.argv;
  if (program === undefined || !existsSync(program)) return undefined;
  const beside = join(dirname(dirname(realpathSync(program))), "sounds");
  return existsSync(join(beside, "en")) ? beside : undefined;
}

/**
 * Makes sure that an instance's secret is there and private. Where a store was made under it, another one is no cure: its
 * PINs and authenticators would be unreadable, and nobody would notice.
 * @throws SettingsError that says what to do
 */
export async function checkSecret({ secret, db }: Paths): Promise<void> {
  return checkSecretFile(secret, existsSync(db) ? cureForLostSecret(db) : undefined);
}

/**
 * Makes sure that a secret file is there and private: others than owner and group may not read or write it.
 * @param missing what to do where it is not there
 * @throws SettingsError that names the file and the chmod
 */
export async function checkSecretFile(path: string, missing = "make it with: knockctl init"): Promise<void> {
  const refuse = (message: string, cure: string): SettingsError =>
    new SettingsError(path, [{ path: "", message }], cure);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw refuse(`the secret file ${path} is missing`, missing);
    throw refuse(
      `the secret file ${path} cannot be looked at: ${error.message}`,
      "run as root, or as the owner of the instance",
    );
  });
  if ((found.mode & 0o007) === 0) return;
  const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
  throw refuse(
    `the secret file ${path} is open to everybody (mode ${mode})`,
    `close it with: chmod 0640 ${path}`,
  );
}
