import { type Command, JSON_FLAG, type Topic } from "../command.ts";

const list: Command = {
  name: "list",
  summary: "show what is open now, and for how long",
  flags: [JSON_FLAG, { flags: "-w, --watch", what: "redraw every second until Ctrl-C" }],
  examples: ["list", "list --watch", "list --json | jq -r '.grants[].address'"],
  load: async () => (await import("../commands/list.ts")).list,
};

const watch: Command = {
  name: "watch",
  args: ["[who]"],
  summary: "show every step, grant and denial with its reason, live",
  flags: [
    { flags: "--user <user>", what: "only this user, whatever he is called (`watch me` is the SSH peer)" },
    JSON_FLAG,
  ],
  examples: ["watch", "watch alice", "watch 203.0.113.7", "watch me", "watch --json"],
  load: async () => (await import("../commands/events.ts")).watch,
};

const grant: Command = {
  name: "grant",
  args: ["<address>"],
  summary: "open for an address; `me` is the SSH peer of this session",
  flags: [
    { flags: "--user <user>", what: "on behalf of a user: his services, his time" },
    { flags: "--services <services>", what: "only these services: ssh,sip" },
    { flags: "--ttl <time>", what: "for how long: 90s, 15m, 2h, 1d" },
    { flags: "--reason <text>", what: "why, for list and history" },
    JSON_FLAG,
  ],
  examples: [
    "grant me",
    "grant 203.0.113.7 --services ssh --ttl 2h",
    "grant 2001:db8::7 --user alice --reason 'ticket 42'",
  ],
  load: async () => (await import("../commands/grants.ts")).grant,
};

const extend: Command = {
  name: "extend",
  args: ["<id>"],
  summary: "hold a grant open longer, counted from now",
  flags: [{ flags: "--ttl <time>", what: "how long from now: 90s, 15m, 2h, 1d" }, JSON_FLAG],
  examples: ["extend g1a2b3c --ttl 2h"],
  load: async () => (await import("../commands/grants.ts")).extend,
};

const revoke: Command = {
  name: "revoke",
  args: ["[who]"],
  summary: "close at once: a grant's id, an address (`me`: the SSH peer), or all of a user",
  flags: [
    { flags: "--user <user>", what: "all of this user, whatever he is called" },
    { flags: "--all", what: "close everything" },
    { flags: "--keep-sessions", what: "let open sessions go on, only new ones are refused" },
    JSON_FLAG,
  ],
  examples: [
    "revoke g1a2b3c",
    "revoke 203.0.113.7",
    "revoke me",
    "revoke alice --keep-sessions",
    "revoke --user me",
    "revoke --all",
  ],
  load: async () => (await import("../commands/grants.ts")).revoke,
};

const history: Command = {
  name: "history",
  summary: "show what happened, oldest first",
  flags: [
    { flags: "--since <when>", what: "not older than a time ago (1d, 2h) or a date (2026-08-01)" },
    { flags: "--user <user>", what: "only of this user" },
    { flags: "--addr <address>", what: "only of this address; `me` is the SSH peer" },
    JSON_FLAG,
  ],
  examples: ["history --since 1d", "history --user alice", "history --addr 203.0.113.7 --json"],
  load: async () => (await import("../commands/events.ts")).history,
};

/** Commands about who is let in. */
export const accessTopic: Topic = {
  title: "Access",
  commands: [list, watch, grant, extend, revoke, history],
};
