import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Paths } from "./settings.ts";

/** The settings file of the installed service; its instance follows the file system hierarchy, every other lives in one folder. */
export const SYSTEM_CONFIG = "/etc/knockline/knockline.toml";

/** The longest path that fits a unix socket address: sun_path holds 108 bytes with the closing NUL (unix(7)). */
export const SOCKET_PATH_BYTES = 107;

/** The keys of [paths]. */
export const PATH_KEYS = ["state", "run", "secret", "ari_secret", "sounds"] as const;

type Places = Record<(typeof PATH_KEYS)[number], string>;

const SYSTEM_PLACES: Places = {
  state: "/var/lib/knockline",
  run: "/run/knockline",
  secret: "/etc/knockline/secret",
  ari_secret: "/etc/knockline/ari.secret",
  sounds: "/usr/share/knockline/sounds",
};

/** Recordings are no part of an instance: its own folder has none unless somebody puts some there and says so. */
const OWN_FOLDER: Omit<Places, "sounds"> = {
  state: ".",
  run: ".",
  secret: "secret",
  ari_secret: "ari.secret",
};

/**
 * Where the instance of a settings file keeps its files.
 * @param file the settings file, absolute
 * @param raw the [paths] table as read; what is no text in it counts as absent (the decoder reports it)
 * @param sounds where the recordings are that came with the programs, absolute
 */
export function pathsFor(file: string, raw: unknown, sounds = SYSTEM_PLACES.sounds): Paths {
  const folder = dirname(file);
  const given = (typeof raw === "object" && raw !== null ? raw : {}) as Record<string, unknown>;
  const defaults = { ...(file === SYSTEM_CONFIG ? SYSTEM_PLACES : OWN_FOLDER), sounds };
  const place = (key: keyof Places): string => {
    const value = given[key];
    const path = typeof value === "string" && value !== "" ? value : defaults[key];
    return isAbsolute(path) ? resolve(path) : resolve(folder, path);
  };
  const [state, run] = [place("state"), place("run")];
  return {
    config: file,
    state,
    db: join(state, "db"),
    boot: join(state, "boot.nft"),
    run,
    adminSocket: join(run, "admin.sock"),
    phoneSocket: join(run, "phone.sock"),
    secret: place("secret"),
    ariSecret: place("ari_secret"),
    sounds: place("sounds"),
  };
}
