import { type Command, type Flag, JSON_FLAG, type Topic } from "../command.ts";

const init: Command = {
  name: "init",
  summary: "make settings, secret and a first user; makes only what is missing",
  flags: [{ flags: "--no-user", what: "do not add the user `me`" }, JSON_FLAG],
  examples: ["init", "init --no-user", "init --config ./var/knockline.toml"],
  load: async () => (await import("../commands/init.ts")).init,
};

const status: Command = {
  name: "status",
  summary: "show how knockline is",
  flags: [JSON_FLAG],
  examples: ["status", "status --json | jq .ok"],
  load: async () => (await import("../commands/status.ts")).status,
};

const metrics: Command = {
  name: "metrics",
  summary: "print metrics for Prometheus; opens no port",
  flags: [
    { flags: "--output <file>", what: "into a file, replaced whole: for node_exporter's textfile folder" },
    JSON_FLAG,
  ],
  examples: ["metrics", "metrics --output /var/lib/prometheus/node-exporter/knockline.prom"],
  load: async () => (await import("../commands/metrics.ts")).metrics,
};

const check: Command = {
  name: "config check",
  summary: "check settings, secret and users; changes nothing",
  flags: [JSON_FLAG],
  examples: ["config check", "config check --config ./new.toml"],
  load: async () => (await import("../commands/check.ts")).checkConfig,
};

const audit: Command = {
  name: "audit",
  summary: "look for what is open, weak, stale or would not survive a reboot; changes nothing",
  flags: [
    { flags: "--root <folder>", what: "where the host's own files are (/)" },
    { flags: "--from-outside <host>", what: "on another machine, with no instance: try that host's doors" },
    { flags: "--client <file>", what: "knock with this bash client (user client NAME)" },
    { flags: "--ports <list>", what: "TCP ports that must be closed: tcp/22,tcp/5061 (the client's own)" },
    { flags: "--second <address>", what: "another address of this machine, which must stay out" },
    { flags: "--via <interface>", what: "a trusted VPN here, by which the ports are open" },
    { flags: "--via-host <host>", what: "what the server is called behind it" },
    { flags: "--wait <time>", what: "wait for the expiry, so long at most" },
    { flags: "--phone", what: "the knock needs a call: have a phone at hand" },
    { flags: "--as <name>", what: "what this vantage point is called (this machine's name)" },
    { flags: "--save <file>", what: "keep what was seen from here" },
    { flags: "--merge <files>", what: "show what was saved elsewhere in the same table: a.json,b.json" },
    JSON_FLAG,
  ],
  examples: [
    "audit",
    "audit --json | jq -r '.findings[].fix'",
    "audit --from-outside pbx.example.com --ports tcp/22,tcp/5061",
    "audit --from-outside pbx.example.com --client knock-ann.sh --wait 65m --save home.json",
    "audit --merge home.json,office.json",
  ],
  load: async () => (await import("../commands/audit.ts")).auditAnywhere,
};

const PASSPHRASE: Flag = {
  flags: "--passphrase-file <file>",
  what: "take it from a private file's first line, `-`: standard input (else: asked for)",
};

const backup: Command = {
  name: "backup",
  args: ["<file>"],
  summary: "write users, secrets, allowlist, floors and history into one file, locked by a passphrase",
  flags: [PASSPHRASE, { flags: "--force", what: "write over a file that is there" }, JSON_FLAG],
  examples: [
    "backup /root/knockline-2026-08-01.backup",
    "backup pbx.backup --passphrase-file ~/.backup-pass",
  ],
  load: async () => (await import("../commands/backup.ts")).backup,
};

const restore: Command = {
  name: "restore",
  args: ["<file>"],
  summary: "put a backup in the place of the users here; opens nothing but its allowlist entries",
  flags: [
    PASSPHRASE,
    { flags: "--force", what: "also where there are users: those of the backup take their place" },
    { flags: "--check", what: "only see that it is whole, and say what it holds" },
    { flags: "--settings", what: "only print the settings file that it holds" },
    JSON_FLAG,
  ],
  examples: [
    "restore pbx.backup --check",
    "restore pbx.backup",
    "restore pbx.backup --settings > knockline.toml",
  ],
  load: async () => (await import("../commands/backup.ts")).restore,
};

const importIncrediblePbx: Command = {
  name: "import incrediblepbx",
  args: ["<dir>"],
  summary: "take over whom an Incredible PBX lets in; its folder is `/`, or a copy",
  flags: [
    { flags: "--dry-run", what: "say what would be done, change nothing" },
    {
      flags: "--services <services>",
      what: "let all of them in to these services, whatever their rules say",
    },
    { flags: "--users <list>", what: "who knocks now: for the commands that give each ports of his own" },
    { flags: "--yes", what: "very wide networks (shorter than /16, IPv6 /32) are meant" },
    JSON_FLAG,
  ],
  examples: [
    "import incrediblepbx / --dry-run",
    "import incrediblepbx / --services ssh,sip,rtp",
    "import incrediblepbx /root/old-pbx --users ann,bob",
  ],
  load: async () => (await import("../commands/import-incrediblepbx.ts")).importIncrediblePbx,
};

const completion: Command = {
  name: "completion",
  args: ["<shell>"],
  summary: "print tab completion for bash, zsh or fish",
  examples: [
    "completion bash > /etc/bash_completion.d/knockctl",
    "completion fish > ~/.config/fish/completions/knockctl.fish",
  ],
  load: async () => (await import("../commands/completion.ts")).completion,
};

/** Commands about this installation. */
export const instanceTopic: Topic = {
  title: "This instance",
  commands: [init, status, audit, metrics, check, backup, restore, importIncrediblePbx, completion],
};
