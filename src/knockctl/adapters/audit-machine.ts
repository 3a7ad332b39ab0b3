import { readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { seconds } from "../../shared/duration.ts";
import { isWholeBootText } from "../../shared/firewall/ruleset.ts";
import { run } from "../../shared/host/adapters/run.ts";
import type { Paths } from "../../shared/settings/settings.ts";
import { AUDITED_UNITS } from "../audit/checks/boot.ts";
import { AUDITED_TOOLS } from "../audit/checks/machine.ts";
import type { BootFile, FileMode, Machine } from "../audit/seen.ts";
import { Failure } from "../failure.ts";
import { openHostFirewall } from "./host-firewall.ts";
import { listeners } from "./listening.ts";

const TIME_LIMIT = seconds(5);

const text = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);

/** @returns what a program printed; undefined when it is missing, fails, or takes too long */
async function printed(command: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await run(command, { timeLimit: TIME_LIMIT });
  return code === 0 ? stdout : undefined;
}

/** @returns each unit's state as `systemctl is-enabled` says it; undefined where systemd is not the first process */
async function units(): Promise<Map<string, string> | undefined> {
  if ((await stat("/run/systemd/system").catch(() => undefined)) === undefined) return undefined;
  const states = AUDITED_UNITS.map(async (name): Promise<[string, string]> => {
    const { stdout } = await run(["systemctl", "is-enabled", name], { timeLimit: TIME_LIMIT });
    return [name, stdout.trim() || "not installed"];
  });
  return new Map(await Promise.all(states));
}

/** What of an instance must be private, and how private. */
const PRIVATE = (paths: Paths): readonly (readonly [string, number])[] => [
  [paths.config, 0o640],
  [paths.secret, 0o640],
  [paths.ariSecret, 0o640],
  [paths.db, 0o750],
  [paths.boot, 0o640],
];

async function files(paths: Paths): Promise<FileMode[]> {
  const found = PRIVATE(paths).map(async ([path, limit]): Promise<FileMode[]> => {
    const there = await stat(path).catch(() => undefined);
    return there === undefined ? [] : [{ path, mode: there.mode & 0o777, limit }];
  });
  return (await Promise.all(found)).flat();
}

async function bootFile(path: string): Promise<BootFile> {
  const found = await text(path);
  if (found === undefined) return "missing";
  return isWholeBootText(found) ? "whole" : "damaged";
}

/** `sshd -T` prints one setting a line. @param root the folder that the host's files are under */
async function sshd(root: string): Promise<Map<string, string> | undefined> {
  const config = root === "/" ? [] : ["-f", join(root, "/etc/ssh/sshd_config")];
  const out = await printed(["sshd", "-T", ...config]);
  if (out === undefined) return undefined;
  return new Map(
    out.split("\n").flatMap((line): [string, string][] => {
      const at = line.indexOf(" ");
      return at < 0 ? [] : [[line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]];
    }),
  );
}

async function clockIsSynchronized(): Promise<boolean | undefined> {
  const out = await printed(["timedatectl", "show", "--property=NTPSynchronized", "--value"]);
  return out === undefined ? undefined : out.trim() === "yes";
}

async function tools(): Promise<Set<string>> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const isThere = async (name: string): Promise<boolean> => {
    const found = folders.map((folder) => stat(join(folder, name)).catch(() => undefined));
    return (await Promise.all(found)).some((one) => one !== undefined);
  };
  const there = await Promise.all(AUDITED_TOOLS.map(isThere));
  return new Set(AUDITED_TOOLS.filter((_, n) => there[n]));
}

/** @returns undefined when we are not root: the rest of the audit goes on */
async function hostFirewall(root: string): Promise<Machine["firewall"]> {
  return openHostFirewall(root)
    .look()
    .catch((error) => {
      if (error instanceof Failure) return undefined;
      throw error;
    });
}

/**
 * Looks at the machine that an instance runs on; changes nothing.
 * @param root the folder that the host's own files are under, mostly `/`
 */
export async function auditMachine(paths: Paths, root: string): Promise<Machine> {
  const [firewall, sockets, unitStates, modes, boot, sshdSettings, synced, found, buffer] = await Promise.all(
    [
      hostFirewall(root),
      listeners(),
      units(),
      files(paths),
      bootFile(paths.boot),
      sshd(root),
      clockIsSynchronized(),
      tools(),
      text("/proc/sys/net/core/rmem_max"),
    ],
  );
  return {
    firewall,
    listeners: sockets,
    units: unitStates,
    files: modes,
    boot,
    sshd: sshdSettings,
    clockIsSynchronized: synced,
    tools: found,
    receiveBuffer: buffer === undefined ? undefined : Number(buffer),
  };
}
