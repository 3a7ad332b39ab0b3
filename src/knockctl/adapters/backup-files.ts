import { randomBytes } from "node:crypto";
import { type FileHandle, link, lstat, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Paths } from "../../shared/settings/settings.ts";
import { readSecretFile, stagedSecret, vaultUnder } from "../../shared/users/adapters/vault.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import type { BackupFiles } from "../world.ts";
import { unreadable } from "./short-text.ts";

/** What the gate takes in one line, and a little. Bytes. */
const MOST = 80 << 20;

/** Writes a file of our own whole, and has it on the disk. @param like gives it that file's owner and group, when we are root */
async function writeWhole(path: string, bytes: Buffer, mode: number, like?: string): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(bytes);
    if (like !== undefined) await ownAs(file, like);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function ownAs(file: FileHandle, like: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(like);
  await file.chown(uid, gid);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}

/**
 * Puts a new file in its place: there whole or not at all, whenever we are killed. `link` fails where something is, so
 * that nothing is written over even when it came a moment ago.
 */
async function writeBackup(path: string, bytes: Buffer, force: boolean): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    await writeWhole(fresh, bytes, 0o600);
    if (force) await rename(fresh, path);
    else await link(fresh, path);
    await syncFolder(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw taken(path);
    throw error;
  } finally {
    await rm(fresh, { force: true });
  }
}

const taken = (path: string): Failure =>
  new Failure(EXIT.refused, `${path} is there already`, "choose another name, or write over it: --force");

async function readBackupFile(path: string): Promise<Buffer> {
  const cure = "name the file that `knockctl backup` wrote";
  const found = await stat(path).catch((error) => {
    throw misused(unreadable(path, error), cure);
  });
  if (!found.isFile() || found.size > MOST) throw misused(`${path} is no backup`, cure);
  return readFile(path);
}

/** The files of one instance that backup and restore work with. */
export function backupFilesOf({ config, secret }: Paths): BackupFiles {
  const staged = stagedSecret(secret);
  return {
    salt: () => ({ salt: randomBytes(16), nonce: randomBytes(12) }),
    settings: () => readFile(config, "utf8").catch(() => null),
    secret: async (id) => {
      const bytes = await readSecretFile(secret, id);
      if (vaultUnder(bytes).id === id) return bytes;
      const cure = "put the old one back, or restart knockd: then PINs and codes of before are worth nothing";
      throw new Failure(EXIT.broken, `${secret} is not the secret that knockd has read`, cure);
    },
    refuseTaken: async (path) => {
      if ((await lstat(path).catch(() => undefined)) !== undefined) throw taken(path);
    },
    write: writeBackup,
    read: readBackupFile,
    stageSecret: async (bytes) => {
      if (vaultUnder(await readFile(secret)).id === vaultUnder(bytes).id) return false;
      await rm(staged, { force: true });
      await writeWhole(staged, bytes, 0o640, secret);
      await syncFolder(staged);
      return true;
    },
    settleSecret: async (id) => void (await readSecretFile(secret, id)),
    dropStagedSecret: () => rm(staged, { force: true }),
  };
}
