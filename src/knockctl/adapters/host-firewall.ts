import { constants, copyFile, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { seconds } from "../../shared/duration.ts";
import { replaceFile } from "../../shared/host/adapters/files.ts";
import { type RunResult, run } from "../../shared/host/adapters/run.ts";
import { EXIT, Failure } from "../failure.ts";
import type { HostFile, IptablesDump } from "../integrate/iptables-places.ts";
import { includesOf, isMeant } from "../integrate/nft-source.ts";
import type { Edit } from "../integrate/place.ts";
import { HOST_FILES } from "../integrate/survey.ts";
import type { HostFirewallPort } from "../world.ts";

/** A host with many thousand rules lists them in a second; iptables waits for others that change them (-w). */
const TIME_LIMIT = seconds(20);

/** The file as it was before our first change; hidden, so that no `include "/etc/nftables.d/*"` takes it for another one. */
const backupOf = (path: string): string => join(dirname(path), `.${basename(path)}.before-knockline`);

/** More files than that include each other nowhere. */
const MOST_FILES = 1_000;

const missing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
};

const readIfThere = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(missing);

/** @returns what a program printed; undefined when it is not installed. @throws Failure when it says no */
async function listing(command: readonly string[]): Promise<string | undefined> {
  const result = await run(command, { timeLimit: TIME_LIMIT });
  if (result.failed === "missing") return undefined;
  if (result.code !== 0) throw unread(command, result);
  return result.stdout;
}

const unread = (command: readonly string[], { stderr, failed }: RunResult): Failure =>
  new Failure(
    EXIT.broken,
    `${command.join(" ")}: ${failed ?? stderr.trim().split("\n", 1)[0]}`,
    "the host's firewall cannot be read: try that command by hand",
  );

/**
 * What iptables keeps. The legacy one makes its tables when it is asked for them, so it is asked only where the
 * kernel says that they are there.
 */
async function dumps(): Promise<IptablesDump[]> {
  const found: IptablesDump[] = [];
  for (const family of [4, 6] as const) {
    const name = family === 6 ? "ip6tables" : "iptables";
    const nft = await listing([`${name}-nft-save`]);
    if (nft !== undefined) found.push({ kind: "nft", family, text: nft });
    const tables = await readIfThere(`/proc/net/${family === 6 ? "ip6" : "ip"}_tables_names`);
    const legacy = tables?.trim() ? await listing([`${name}-legacy-save`]) : undefined;
    if (legacy !== undefined) found.push({ kind: "legacy", family, text: legacy });
  }
  return found;
}

/** @returns the files, and those of nft that they include. @param read gives a file under the root */
async function withIncluded(
  root: string,
  files: readonly HostFile[],
  read: (path: string) => Promise<HostFile>,
): Promise<HostFile[]> {
  const found = new Map(files.map((file) => [file.path, file])); // bounded: MOST_FILES
  for (const { text = "" } of found.values()) {
    for (const pattern of includesOf(text)) {
      for (const path of await pathsOf(root, pattern))
        if (!found.has(path) && found.size < MOST_FILES) found.set(path, await read(path));
    }
  }
  return [...found.values()];
}

/** @returns the files that are there for what a file of nft includes */
async function pathsOf(root: string, pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(missing);
  return (entries ?? [])
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .filter((path) => isMeant(pattern, path));
}

async function carryOut(command: readonly string[], input?: string): Promise<void> {
  const result = await run(command, {
    timeLimit: TIME_LIMIT,
    ...(input === undefined ? {} : { input }),
  });
  if (result.code === 0) return;
  const why = result.failed ?? result.stderr.trim().split("\n", 1)[0];
  throw new Failure(
    EXIT.broken,
    `${command.join(" ")}: ${why}`,
    "what was done before stands; put it right and run this again",
  );
}

/** Writes a file of the host in its own place, mode and owner, with what it was beside it. */
async function write({ path, text, check, whole }: Extract<Edit, { do: "write" }>): Promise<void> {
  if (text !== undefined && check !== undefined) await carryOut(check, whole ?? text);
  const real = await realpath(path).catch((error) => missing(error) ?? path);
  const backup = backupOf(real);
  const before = await stat(real).catch(missing);
  if (before !== undefined) await copyFile(real, backup, constants.COPYFILE_EXCL).catch(known);
  const { mode, ...owner } = before ?? { mode: 0o600, uid: 0, gid: 0 };
  await replaceFile(real, text, mode & 0o7777, owner);
  // a copy of what is there again is of no use
  if ((await readIfThere(backup)) === text) await rm(backup, { force: true });
}

/** The first copy is the one that counts. */
const known = (error: NodeJS.ErrnoException): void => {
  if (error.code !== "EEXIST") throw error;
};

/**
 * The firewall that the host has beside ours.
 * @param root the folder that its files are under
 */
export function openHostFirewall(root: string): HostFirewallPort {
  return {
    async look() {
      if (process.geteuid?.() !== 0)
        throw new Failure(EXIT.permission, "the host's own firewall is root's", "run it as root (sudo)");
      const read = async (path: string): Promise<HostFile> => ({
        path,
        text: await readIfThere(join(root, path)),
      });
      const files = await Promise.all(HOST_FILES.map(read));
      return {
        nft: (await listing(["nft", "-j", "list", "ruleset"])) ?? "",
        iptables: await dumps(),
        files: await withIncluded(root, files, read),
      };
    },
    change: (edit) =>
      edit.do === "run" ? carryOut(edit.command) : write({ ...edit, path: join(root, edit.path) }),
  };
}
