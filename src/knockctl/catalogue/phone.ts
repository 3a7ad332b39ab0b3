import { type Command, JSON_FLAG, type Topic } from "../command.ts";

const check: Command = {
  name: "phone check",
  summary: "prove the link to Asterisk and find what would give PINs away; changes nothing",
  flags: [{ flags: "--conf <folder>", what: "where Asterisk's settings are (/etc/asterisk)" }, JSON_FLAG],
  examples: ["phone check", "phone check --json | jq '.findings[].fix'"],
  load: async () => (await import("../commands/phone.ts")).check,
};

const dialplan: Command = {
  name: "phone dialplan",
  summary: "print what to put into Asterisk's settings, for your settings",
  flags: [
    {
      flags: "--for <pbx>",
      what: "asterisk: plain; freepbx: FreePBX, Incredible PBX",
      choices: ["asterisk", "freepbx"],
    },
    { flags: "--did <number>", what: "the outside number that travellers call" },
    JSON_FLAG,
  ],
  examples: ["phone dialplan --did 5551000", "phone dialplan --for freepbx"],
  load: async () => (await import("../commands/phone.ts")).dialplan,
};

/** Commands about the phone. */
export const phoneTopic: Topic = { title: "Phone", commands: [check, dialplan] };
