import { constants, type FileHandle, lchown, lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

// What is here is done by root too, in folders of accounts that may do less: a name in them may be a link by the time it
// is used. So owner and mode are set on an open file, or on the link itself, never on what a link leads to.

/** An account and its group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const isRoot = (): boolean => process.geteuid?.() === 0;

/** Gives a file the owner of its folder, when we are root: another run may come without privilege. */
export async function ownAsFolder(path: string): Promise<void> {
  if (!isRoot()) return;
  const { uid, gid } = await stat(dirname(path));
  await lchown(path, uid, gid);
}

/** Gives a folder and all files in it the owner of the folder above it, when we are root. */
export async function ownAllAsFolder(folder: string): Promise<void> {
  await ownAsFolder(folder);
  for (const name of await readdir(folder)) await ownAsFolder(join(folder, name)).catch(() => undefined); // LevelDB renames as it goes
}

/** @returns a symbolic link where a folder and plain files ought to be: the folder, or the first in it; undefined: none */
export async function linkIn(folder: string): Promise<string | undefined> {
  if ((await lstat(folder)).isSymbolicLink()) return folder;
  const link = (await readdir(folder, { withFileTypes: true })).find((one) => one.isSymbolicLink());
  return link && join(folder, link.name);
}

/**
 * Gives a file or folder that we have just made its owner and mode.
 * @param owner undefined: it stays ours
 * @throws the system's error; ELOOP when a link is in its place by now
 */
export async function handOver(path: string, owner: Owner | undefined, mode: number): Promise<void> {
  const made = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (owner !== undefined) await made.chown(owner.uid, owner.gid);
    await made.chmod(mode);
  } finally {
    await made.close();
  }
}

/**
 * Replaces a file whole: a reader sees the old text or the new one, also after a power cut.
 * @param text undefined removes the file
 * @param mode whatever the umask is
 * @param owner when we are root; default: the owner of the folder
 * @throws the system's error
 */
export async function replaceFile(
  path: string,
  text: string | undefined,
  mode: number,
  owner?: Owner,
): Promise<void> {
  if (text === undefined) return rm(path, { force: true });
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx", 0o600);
  try {
    await file.writeFile(text);
    if (isRoot()) await own(file, owner ?? (await stat(dirname(path))));
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

const own = (file: FileHandle, { uid, gid }: Owner): Promise<void> => file.chown(uid, gid);

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
