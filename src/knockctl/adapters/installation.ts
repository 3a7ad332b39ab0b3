import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FoundFile } from "../incrediblepbx/whitelist.ts";
import { readText } from "./short-text.ts";

/** Where Debian and RHEL layouts have what decides who gets in. */
const FILES = [
  "/usr/local/sbin/iptables-custom",
  "/etc/iptables/rules.v4",
  "/etc/iptables/rules.v6",
  "/etc/sysconfig/iptables",
  "/etc/sysconfig/ip6tables",
  "/etc/knockd.conf",
];

/** Where the account files `NAME.iptables` are. */
const ACCOUNT_FOLDERS = ["/root", "/etc/iptables", "/etc/sysconfig"];

/** An account a phone, and more phones than these no such PBX has. */
const MOST_ACCOUNTS = 2_000;

/** Of one file. Bytes: some ten thousand rules. */
const LONGEST = 4 << 20;

/** For what is not there; other errors are the caller's. */
const otherwise =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return value;
    throw error;
  };

const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, otherwise(false));

async function accounts(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(otherwise([]));
  const files = found.filter((one) => one.isFile() && one.name.endsWith(".iptables"));
  return files
    .map(({ name }) => name)
    .sort()
    .slice(0, MOST_ACCOUNTS);
}

/**
 * Reads the files of an Incredible PBX; changes nothing.
 * @param root the folder that they are under: `/`, or that of a copy
 * @returns those that are there, account files first
 * @throws Failure (usage) for a file that is no file, or longer than one can be; errors of the system
 */
export async function readInstallation(root: string): Promise<FoundFile[]> {
  const paths: string[] = []; // bounded: MOST_ACCOUNTS a folder, and FILES
  for (const folder of ACCOUNT_FOLDERS)
    paths.push(...(await accounts(join(root, folder))).map((name) => `${folder}/${name}`));
  for (const path of FILES) if (await isThere(join(root, path))) paths.push(path);
  const files: FoundFile[] = [];
  for (const path of paths) files.push({ path, text: await readText(join(root, path), LONGEST) });
  return files;
}
