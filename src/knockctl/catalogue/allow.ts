import { type Command, type Flag, JSON_FLAG, type Topic } from "../command.ts";

const commands = () => import("../commands/allow.ts");

const YES: Flag = { flags: "--yes", what: "a very wide network (shorter than /16, IPv6 /32) is meant" };

const add: Command = {
  name: "allow add",
  args: ["<what>"],
  summary: "let an address, a network or a DNS name in for good; `me` is the SSH peer",
  flags: [
    { flags: "--services <services>", what: "only these services: sip,rtp (all when not said)" },
    { flags: "--note <text>", what: "whose it is, for list and export" },
    { flags: "--expires <when>", what: "the last day: 2026-12-31 (or an ISO time), or a time from now: 30d" },
    YES,
    JSON_FLAG,
  ],
  examples: [
    "allow add me --note 'the office'",
    "allow add sip.example.com --services sip,rtp --note 'our trunk'",
    "allow add 203.0.113.0/24 --services sip",
    "allow add 2001:db8:7::/48 --expires 2026-12-31",
  ],
  load: async () => (await commands()).add,
};

const list: Command = {
  name: "allow list",
  summary: "show the allowlist, what its names stand for, and how old that is",
  flags: [JSON_FLAG],
  examples: ["allow list", "allow list --json | jq -r '.entries[] | select(.failing) | .what'"],
  load: async () => (await commands()).list,
};

const remove: Command = {
  name: "allow remove",
  args: ["<entry>"],
  summary: "take an entry off; its sessions are cut; `me` is the SSH peer",
  flags: [
    { flags: "--keep-sessions", what: "let open TCP sessions go on, only new ones are refused" },
    JSON_FLAG,
  ],
  examples: ["allow remove sip.example.com", "allow remove 203.0.113.0/24 --keep-sessions"],
  load: async () => (await commands()).remove,
};

const refresh: Command = {
  name: "allow refresh",
  args: ["[name]"],
  summary: "look a name up now (all of them without one); a failure changes nothing",
  flags: [JSON_FLAG],
  examples: ["allow refresh sip.example.com", "allow refresh"],
  load: async () => (await commands()).refresh,
};

const importList: Command = {
  name: "allow import",
  args: ["<file>"],
  summary: "add the entries of a file (`-`: standard input), all or none",
  flags: [YES, JSON_FLAG],
  examples: ["allow import providers.txt", "allow import providers.toml", "allow import -"],
  load: async () => (await commands()).importList,
};

const exportList: Command = {
  name: "allow export",
  summary: "print the allowlist as `allow import` reads it",
  flags: [JSON_FLAG],
  examples: ["allow export > allowlist.txt"],
  load: async () => (await commands()).exportList,
};

const lookup: Command = {
  name: "allow lookup",
  args: ["<address>"],
  summary: "show which entries let an address in, and its name in DNS; exit 3 when none does",
  flags: [JSON_FLAG],
  examples: ["allow lookup 203.0.113.7", "allow lookup me"],
  load: async () => (await commands()).lookup,
};

/** Commands about who is let in without a knock. */
export const allowTopic: Topic = {
  title: "Allowlist",
  commands: [add, list, remove, refresh, importList, exportList, lookup],
};
