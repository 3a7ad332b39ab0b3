import { chown, type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Gives a file the owner of its folder, when we are root: another run may come without privilege. */
export async function ownAsFolder(path: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  await chown(path, uid, gid);
}

/** Gives a folder and all files in it the owner of the folder above it, when we are root. */
export async function ownAllAsFolder(folder: string): Promise<void> {
  await ownAsFolder(folder);
  for (const name of await readdir(folder)) await ownAsFolder(join(folder, name)).catch(() => undefined); // LevelDB renames as it goes
}

/**
 * Replaces a file whole: a reader sees the old text or the new one, also after a power cut.
 * @param text undefined removes the file
 * @throws the system's error
 */
export async function replaceFile(path: string, text: string | undefined, mode: number): Promise<void> {
  if (text === undefined) return rm(path, { force: true });
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx", mode);
  try {
    await file.writeFile(text);
    await ownHandle(file, dirname(path));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

/** By the open file, not by its name: in a folder of somebody else's the name may be a link by now. */
async function ownHandle(file: FileHandle, folder: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await file.chown(uid, gid);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
