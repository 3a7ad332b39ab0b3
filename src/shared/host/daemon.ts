import { SYSTEM_CONFIG } from "../settings/paths.ts";

/** An option of both daemons. */
export interface DaemonOption {
  /** What follows it; none for a switch. */
  readonly value?: string;
  readonly what: string;
}

/** A daemon as its command line and its manual page tell it. */
export interface Daemon {
  /** As it is called in a checkout and in its own messages; installed it is `knockline-NAME`. */
  readonly name: string;
  readonly about: string;
  readonly options: Readonly<Record<"config" | "check" | "help" | "version", DaemonOption>>;
  /** What the signals do that it heeds. */
  readonly signals: string;
  /** What follows the name in the help's examples. */
  readonly examples: readonly string[];
}

/** @param check what its `--check` looks at */
const optionsOf = (check: string): Daemon["options"] => ({
  config: { value: "FILE", what: `settings (default ${SYSTEM_CONFIG}, or $KNOCKLINE_CONFIG)` },
  check: { what: check },
  version: { what: "print the version" },
  help: { what: "print this" },
});

const EXAMPLES = ["--config /etc/knockline/knockline.toml", "--config ./var/knockline.toml --check"];

/** knockd, which re-reads its settings. */
export const KNOCKD: Daemon = {
  name: "knockd",
  about: "watches for knocks and is the gate: the only writer of store and kernel",
  options: optionsOf("read the settings, say what is wrong with them, change nothing"),
  signals:
    "SIGHUP reads the settings again; SIGTERM and SIGINT stop: doors that are open close on time by themselves.",
  examples: EXAMPLES,
};

/** phone-auth, which does not. */
export const PHONE_AUTH: Daemon = {
  name: "phone-auth",
  about: "takes calls from Asterisk, and asks the gate what to do about them",
  options: optionsOf("read settings and ARI password, say what is wrong with them, change nothing"),
  signals: "SIGTERM and SIGINT stop: calls are hung up.",
  examples: EXAMPLES,
};

/** Every daemon. */
export const DAEMONS: readonly Daemon[] = [KNOCKD, PHONE_AUTH];

/** How a daemon ends. Wrong settings have a code of their own: another start would not help. */
export const DAEMON_EXIT = { done: 0, settings: 2, broken: 5 } as const;

/** What a daemon's exit codes mean, for the manual. */
export const DAEMON_EXIT_MEANS: Readonly<Record<keyof typeof DAEMON_EXIT, string>> = {
  done: "stopped by a signal, or what was asked for was printed",
  settings: "the settings, a secret file or the command line is wrong",
  broken: "the world is broken: the store, nft, the network, or a bug",
};

/** @returns the text of `--help`. */
export function daemonHelp({ name, about, options, signals, examples }: Daemon): string {
  const listed = Object.entries(options).map(
    ([option, { value, what }]) => `  ${`--${[option, value].filter(Boolean).join(" ")}`.padEnd(15)}${what}`,
  );
  const parts = [
    `${name} - ${about}`,
    `usage: ${name} [--config FILE] [--check]`,
    listed.join("\n"),
    [signals, "examples:", ...examples.map((line) => `  ${name} ${line}`)].join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}
