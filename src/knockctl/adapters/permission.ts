import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Paths } from "../../shared/settings/settings.ts";
import { EXIT, Failure } from "../failure.ts";

const denied = (what: string): Failure =>
  new Failure(EXIT.permission, what, "run it as root (sudo), or as the owner of the instance");

const isRoot = (): boolean => process.geteuid?.() === 0;

/** Makes sure that the settings file can be read at all, or is missing. @throws Failure (permission) */
export async function checkReadable(config: string): Promise<void> {
  if (isRoot()) return;
  await access(config, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES") throw denied(`${config} may not be read by this user`);
  });
}

/** Makes sure that we are root or the instance's owner. @throws Failure (permission) */
export async function checkOwner({ config, state }: Paths): Promise<void> {
  if (isRoot()) return;
  const owners = await Promise.all([state, dirname(config)].map((path) => stat(path).catch(() => undefined)));
  if (owners.some((found) => found?.uid === process.geteuid?.())) return;
  throw denied(`the instance in ${state} belongs to somebody else`);
}
