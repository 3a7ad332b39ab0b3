import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkSecretFile } from "../../shared/settings/adapters/load.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import type { AriReply, ConfFile, Pbx } from "../commands/phone-pbx.ts";

/** Asterisk answers in milliseconds; a frozen one never. */
const TIME_LIMIT_MS = 5000;

async function get(url: URL, authorization: string): Promise<AriReply> {
  try {
    const signal = AbortSignal.timeout(TIME_LIMIT_MS);
    const reply = await fetch(url, { headers: { authorization }, signal, redirect: "manual" });
    return { status: reply.status, body: await reply.json().catch(() => null) };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return { failed: cause?.code ?? message };
  }
}

/** Files of one name: `http.conf`, `http_additional.conf`, `http_custom.conf`; those that may not be read are left out. */
export async function readFiles(
  folder: string,
  name: string,
): Promise<readonly ConfFile[] | "missing" | "unreadable"> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" || error.code === "ENOTDIR" ? [] : undefined,
  );
  if (names === undefined) return "unreadable";
  const wanted = names.filter(
    (file) => file.startsWith(name) && /^(_\w+)?\.conf$/.test(file.slice(name.length)),
  );
  const files = await Promise.all(
    wanted.sort().map(async (file): Promise<ConfFile[]> => {
      const path = join(folder, file);
      const text = await readFile(path, "utf8").catch(() => undefined);
      return text === undefined ? [] : [{ path, text }];
    }),
  );
  if (wanted.length === 0) return "missing";
  return files.flat().length === 0 ? "unreadable" : files.flat();
}

/**
 * The PBX of an instance, by ARI and by its files.
 * @param folder where Asterisk's settings are
 * @throws SettingsError when the ARI password is missing or not private
 */
export async function openPbx({ phone, paths }: Settings, folder: string): Promise<Pbx> {
  await checkSecretFile(paths.ariSecret);
  const [password = ""] = (await readFile(paths.ariSecret, "utf8")).split("\n");
  const authorization = `Basic ${Buffer.from(`${phone.username}:${password.trim()}`).toString("base64")}`;
  return {
    folder,
    get: (path) => get(new URL(`/ari/${path}`, phone.url), authorization),
    conf: (name) => readFiles(folder, name),
  };
}
