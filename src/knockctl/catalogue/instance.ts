import { type Command, JSON_FLAG, type Topic } from "../command.ts";

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

const check: Command = {
  name: "config check",
  summary: "check settings, secret and users; changes nothing",
  flags: [JSON_FLAG],
  examples: ["config check", "config check --config ./new.toml"],
  load: async () => (await import("../commands/check.ts")).checkConfig,
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
export const instanceTopic: Topic = { title: "This instance", commands: [init, status, check, completion] };
