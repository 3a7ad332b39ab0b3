import { type Command, type Flag, JSON_FLAG, type Topic } from "../command.ts";

/** The PIN itself is never an argument: those are seen by every process and kept in the shell's history. */
const PIN: Flag = { flags: "--pin [-]", what: "draw a phone PIN, shown once; `-` reads one", choices: ["-"] };
const OTP: Flag = { flags: "--otp", what: "draw an authenticator secret, shown once as URI and QR code" };

const SSH_KEY: Flag = {
  flags: "--ssh-key <file>",
  what: "public keys that sign the knock: a .pub file, or `-`; they replace those there were",
};

const WISHES: readonly Flag[] = [
  { flags: "--services <services>", what: "what a knock opens: ssh,sip (a new user: ssh)" },
  {
    flags: "--proof <kind>",
    what: "what the last step must carry (a new user: ssh with a key, else otp)",
    choices: ["none", "otp", "ssh"],
  },
  SSH_KEY,
  OTP,
  PIN,
  { flags: "--phone <number>", what: "number to call back, or `none`" },
  { flags: "--callers <list>", what: "caller IDs that may use the PIN: 201,+4930123, or `any`" },
  { flags: "--ttl <time>", what: "how long a knock opens: 90s, 15m, 2h, 1d, or `default`" },
  { flags: "--max-ttl <time>", what: "the most that may be asked for, or `default`" },
  { flags: "--approval <kind>", what: "who must agree to a knock", choices: ["none", "phone", "call"] },
  { flags: "--expires <date>", what: "the last day: 2026-12-31 (or an ISO time), or `never`" },
  {
    flags: "--steps <list>",
    what: "kind of each step: tcp,udp,tcp ... (a new user: udp,udp,udp); other kinds draw new ports",
  },
  { flags: "--disable", what: "the user's knocks open nothing" },
  { flags: "--enable", what: "they open again" },
];

const add: Command = {
  name: "user add",
  args: ["<name>"],
  summary: "add a user with three random secret ports",
  flags: [...WISHES, JSON_FLAG],
  examples: [
    "user add alice",
    "user add alice --ssh-key alice.pub",
    "user add bob --services sip,rtp --ttl 8h --expires 2026-12-31",
    "user add carol --pin --approval call --phone +49301234567",
    "user add dave --proof none",
  ],
  load: async () => (await import("../commands/users.ts")).add,
};

const set: Command = {
  name: "user set",
  args: ["<user>"],
  summary: "change a user; what is not named stays",
  flags: [
    ...WISHES,
    { flags: "--no-pin", what: "take the PIN away" },
    { flags: "--no-otp", what: "take the authenticator away" },
    { flags: "--no-ssh-key", what: "take the keys away" },
    JSON_FLAG,
  ],
  examples: [
    "user set alice --ttl 2h",
    "user set alice --services ssh,web",
    "user set alice --pin - --approval phone",
    "user set alice --ssh-key alice.pub",
    "user set bob --disable",
  ],
  load: async () => (await import("../commands/users.ts")).set,
};

const list: Command = {
  name: "user list",
  summary: "show all users",
  flags: [JSON_FLAG],
  examples: ["user list"],
  load: async () => (await import("../commands/users.ts")).list,
};

const show: Command = {
  name: "user show",
  args: ["<user>"],
  summary: "show a user, secret ports and all",
  flags: [JSON_FLAG],
  examples: ["user show alice"],
  load: async () => (await import("../commands/users.ts")).show,
};

const rotate: Command = {
  name: "user rotate",
  args: ["<user>"],
  summary: "draw new secrets; the old ones are worth nothing at once",
  flags: [{ flags: "--ports", what: "three new ports" }, PIN, OTP, JSON_FLAG],
  examples: ["user rotate alice --ports", "user rotate alice --pin --otp"],
  load: async () => (await import("../commands/users.ts")).rotate,
};

const remove: Command = {
  name: "user remove",
  args: ["<user>"],
  summary: "remove a user and close what is open for him",
  flags: [JSON_FLAG],
  examples: ["user remove alice"],
  load: async () => (await import("../commands/users.ts")).remove,
};

const client: Command = {
  name: "user client",
  args: ["<user>"],
  summary: "print one self-contained client to knock with",
  flags: [
    {
      flags: "--format <kind>",
      what: "sh: bash; ps1: PowerShell; text: for knock, nmap, phone apps",
      choices: ["sh", "ps1", "text"],
    },
    { flags: "--host <host>", what: "the server's name or address, as the client reaches it" },
  ],
  examples: [
    "user client alice > knock-alice.sh",
    "user client alice --format ps1 --host 198.51.100.7 > knock.ps1",
    "user client alice --format text",
  ],
  load: async () => (await import("../commands/client.ts")).client,
};

const exportUsers: Command = {
  name: "user export",
  args: ["[user]"],
  summary: "print users as JSON for configuration management; no secret is in it unless asked for",
  flags: [
    {
      flags: "--with-secrets",
      what: "also the ports in clear, and PIN and authenticator as stored: good only under the same secret file",
    },
    { flags: "--json", what: "it is always JSON" },
  ],
  examples: ["user export > users.json", "user export alice", "user export --with-secrets"],
  load: async () => (await import("../commands/exchange.ts")).exportUsers,
};

const importUsers: Command = {
  name: "user import",
  args: ["<file>"],
  summary: "make users what a file (or `-`) says, all or none; a second time changes nothing",
  flags: [{ flags: "--json", what: "answer in JSON, with what was drawn and is shown once" }],
  examples: ["user import users.json", "user import users.json --json"],
  load: async () => (await import("../commands/exchange.ts")).importUsers,
};

/** Commands about who may knock. */
export const usersTopic: Topic = {
  title: "Users",
  commands: [add, set, list, show, rotate, remove, client, exportUsers, importUsers],
};
