import { stat } from "node:fs/promises";
import type { Asker } from "../../shared/gate/verbs.ts";
import { replaceFile } from "../../shared/host/adapters/files.ts";
import { checkSecret, checkSecretFile, loadSettings, locate } from "../../shared/settings/adapters/load.ts";
import type { Paths } from "../../shared/settings/settings.ts";
import type { Terminal, World } from "../world.ts";
import { checkOwner, checkReadable } from "./permission.ts";

/** After this long without an answer a person is told that we are still waiting. */
const PATIENCE_MS = 2000;

/** The world, and the end of it. */
export interface OpenWorld extends World {
  /** Lets go of the gate. */
  close(): Promise<void>;
}

function terminal(): Terminal | undefined {
  if (!process.stdout.isTTY) return undefined;
  const { NO_COLOR = "", TERM = "" } = process.env;
  return { columns: process.stdout.columns || 80, colour: NO_COLOR === "" && TERM !== "dumb" };
}

const tell = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Says on a terminal that we are waiting, when it takes longer than people like. */
async function patiently<T>(work: Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return work;
  const timer = setTimeout(() => tell("still working ..."), PATIENCE_MS);
  return work.finally(() => clearTimeout(timer));
}

const patient = (asker: Asker): Asker => ({
  ask: (verb, args) => patiently(asker.ask(verb, args)),
  watch: (args) => asker.watch(args),
  close: () => asker.close(),
});

async function openAsker(config: string, paths: Paths): Promise<Asker> {
  const gate = await import("./asker.ts");
  return patient(await patiently(gate.openAsker(paths, () => loadSettings(config))));
}

async function ownPaths(config: string): Promise<Paths> {
  await checkReadable(config);
  const paths = await locate(config);
  await checkOwner(paths);
  return paths;
}

/**
 * The real world of one run of knockctl.
 * @param config the settings file, absolute
 * @param self how a person starts us, for printed commands
 */
export function openWorld(config: string, self: string): OpenWorld {
  let paths: Promise<Paths> | undefined;
  let asker: Promise<Asker> | undefined;
  const pathsOnce = (): Promise<Paths> => {
    paths ??= ownPaths(config);
    return paths;
  };
  return {
    self,
    config,
    get terminal() {
      return terminal();
    },
    zone: undefined,
    now: () => Date.now(),
    say: (text) => void process.stdout.write(`${text}\n`),
    tell,
    paths: pathsOnce,
    settings: () => pathsOnce().then(() => loadSettings(config)),
    asker: () => {
      asker ??= pathsOnce().then((found) => openAsker(config, found));
      return asker;
    },
    readSecret: async (question, twice) => (await import("./secret-line.ts")).readSecret(question, twice),
    readText: async (path, most) => (await import("./short-text.ts")).readText(path, most),
    tryToml: async (text) => (await import("../../shared/settings/adapters/toml.ts")).tryToml(text),
    replaceText: (path, text) => replaceFile(path, text, 0o644),
    exists: (path) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    checkSecret,
    checkPrivate: (path) => checkSecretFile(path, "name a file that is there"),
    sshPeer: async () => (await (await import("./ssh-peer.ts")).sshSession())?.peer,
    sshSessions: async () => (await import("./sshd.ts")).sshSessions(),
    listening: async () => (await import("./listening.ts")).listening(),
    redraw: async (frame) => (await import("./screen.ts")).redraw(frame),
    pbx: async (settings, folder) => (await import("./phone-pbx.ts")).openPbx(settings, folder),
    backupFiles: async () => (await import("./backup-files.ts")).backupFilesOf(await pathsOnce()),
    hostFirewall: async (root) => (await import("./host-firewall.ts")).openHostFirewall(root),
    machine: async (root) => (await import("./audit-machine.ts")).auditMachine(await pathsOnce(), root),
    outside: async () => (await import("./outside.ts")).openOutside(),
    installation: async (root) => (await import("./installation.ts")).readInstallation(root),
    foundation: async () => (await import("./foundation.ts")).foundationOf(config),
    close: async () => (await asker?.catch(() => undefined))?.close(),
  };
}
