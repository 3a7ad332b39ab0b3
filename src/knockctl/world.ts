import type { Asker } from "../shared/gate/verbs.ts";
import type { ListenerView } from "../shared/gate/views.ts";
import type { TriedToml } from "../shared/settings/adapters/toml.ts";
import type { Paths, Settings } from "../shared/settings/settings.ts";
import type { Outside } from "./audit/outside/walk.ts";
import type { Machine } from "./audit/seen.ts";
import type { Salt } from "./backup/envelope.ts";
import type { Pbx } from "./commands/phone-pbx.ts";
import type { FoundFile } from "./incrediblepbx/whitelist.ts";
import type { Edit } from "./integrate/place.ts";
import type { HostFirewall } from "./integrate/survey.ts";

/** The terminal behind standard output. */
export interface Terminal {
  readonly columns: number;
  /** False when NO_COLOR is set (no-color.org) or the terminal is dumb. */
  readonly colour: boolean;
}

/** What this host's sshd is doing: what `firewall apply` must not cut off. */
export interface SshSessions {
  readonly ports: readonly number[];
  /** Addresses with a session, canonical. */
  readonly peers: readonly string[];
}

/** A file or folder of an instance, made now or found. */
export interface Made {
  readonly path: string;
  readonly what: string;
  readonly made: boolean;
}

/** What `init` needs of the world beside the rest. */
export interface Foundation {
  readonly hostName: string;
  /** Asks on the terminal; without one, or for an empty answer, the fallback. */
  ask(question: string, fallback: string): Promise<string>;
  /** @returns n random letters of [a-z0-9] */
  letters(n: number): string;
  /** @returns true when the settings file is there already */
  settled(): Promise<boolean>;
  /** Makes what is missing of an instance; changes nothing that is there. `toml` is written when there is no settings file. */
  lay(toml: string): Promise<Made[]>;
}

/** What backup and restore work with: files, and randomness. */
export interface BackupFiles {
  /** Draws an envelope's randomness. */
  salt(): Salt;
  /** The settings file's text; null when it cannot be read. */
  settings(): Promise<string | null>;
  /** The secret file's bytes. @param id which one, where a restore was cut off */
  secret(id: string): Promise<Buffer>;
  /** @throws Failure when something is there */
  refuseTaken(path: string): Promise<void>;
  /** Writes a backup, private, whole or not at all. @throws Failure when something is there and `force` is not said */
  write(path: string, bytes: Buffer, force: boolean): Promise<void>;
  /** @throws Failure (usage) when it cannot be one */
  read(path: string): Promise<Buffer>;
  /** Puts a backup's secret beside the one that is there. @returns false when it is the same one */
  stageSecret(bytes: Buffer): Promise<boolean>;
  /** Lets the secret of this id take the other's place. */
  settleSecret(id: string): Promise<void>;
  dropStagedSecret(): Promise<void>;
}

/** The firewall that the host has beside ours. */
export interface HostFirewallPort {
  /** Reads its rules and files; changes nothing. @throws Failure (no permission) when we are not root */
  look(): Promise<HostFirewall>;
  /** Carries out one change. @throws Failure (broken) with what the host said */
  change(edit: Edit): Promise<void>;
}

/** All that a command may touch: the port between knockctl's pure code and its adapters. */
export interface World {
  /** How a person starts us here, with --config where needed: for printed commands. */
  readonly self: string;
  /** The settings file, absolute. */
  readonly config: string;
  /** undefined when standard output is a pipe or a file. */
  readonly terminal: Terminal | undefined;
  /** The time zone to show times in; undefined: the system's. */
  readonly zone: string | undefined;
  /** @returns milliseconds since 1970 */
  now(): number;
  /** Writes text and a newline to standard output. */
  say(text: string): void;
  /** Writes text and a newline to standard error. */
  tell(text: string): void;
  /** @throws Failure (no permission), SettingsError */
  paths(): Promise<Paths>;
  /** @throws Failure (no permission), SettingsError */
  settings(): Promise<Settings>;
  /** The gate; opened once, closed at the end. @throws Failure, SettingsError, Refusal */
  asker(): Promise<Asker>;
  /**
   * One line from standard input that nobody may see: without echo on a terminal, and there asked for again unless
   * `twice` is false. @throws Failure (usage) when there is none, or the two differ
   */
  readSecret(question: string, twice?: boolean): Promise<string>;
  /**
   * A short text that a person names. @param path a file, or `-` for standard input
   * @param most bytes; 32 KiB when not said
   * @throws Failure (usage) when it cannot be read or is longer
   */
  readText(path: string, most?: number): Promise<string>;
  /** Parses TOML; nothing is checked beyond its syntax. */
  tryToml(text: string): Promise<TriedToml>;
  /** Replaces a file whole, readable by everybody: a reader sees the old text or the new one. */
  replaceText(path: string, text: string): Promise<void>;
  /** @returns true when a file or folder is there */
  exists(path: string): Promise<boolean>;
  /** @throws SettingsError when the instance's secret is missing or not private */
  checkSecret(paths: Paths): Promise<void>;
  /** @throws SettingsError when a secret file of a person's is not private */
  checkPrivate(path: string): Promise<void>;
  /** The address of the SSH peer that this session came from; undefined when there is none. */
  sshPeer(): Promise<string | undefined>;
  /** What sshd listens on and who is logged in. */
  sshSessions(): Promise<SshSessions>;
  /** Ports that somebody on this host listens at, for others than this host. */
  listening(): Promise<ListenerView[]>;
  /** Draws a frame every second on a screen of its own, until Ctrl-C; then gives the terminal back as it was. */
  redraw(frame: () => Promise<string>): Promise<void>;
  /** The PBX, as `phone check` sees it. @param folder where Asterisk's settings are */
  pbx(settings: Settings, folder: string): Promise<Pbx>;
  /** What `backup` and `restore` work with. @throws Failure, SettingsError */
  backupFiles(): Promise<BackupFiles>;
  /** The host's own firewall. @param root the folder that the host's files are under, mostly `/` */
  hostFirewall(root: string): Promise<HostFirewallPort>;
  /** The machine as `audit` sees it. @param root the folder that the host's files are under, mostly `/` */
  machine(root: string): Promise<Machine>;
  /** The network around this machine, as `audit --from-outside` tries it. */
  outside(): Promise<Outside>;
  /** The files of an Incredible PBX that say who gets in. @param root the folder they are under. @throws Failure */
  installation(root: string): Promise<FoundFile[]>;
  /** What `init` works with. */
  foundation(): Promise<Foundation>;
}
