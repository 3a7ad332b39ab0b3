import { type Command, JSON_FLAG, type Topic } from "../command.ts";

const commands = () => import("../commands/firewall.ts");

const plan: Command = {
  name: "firewall plan",
  summary: "show what the settings would change; changes nothing",
  flags: [{ flags: "--nft", what: "also the nft text that would be loaded" }, JSON_FLAG],
  examples: ["firewall plan", "firewall plan --nft"],
  load: async () => (await commands()).plan,
};

const apply: Command = {
  name: "firewall apply",
  summary: "try the settings; without confirm the kernel rolls them back",
  flags: [
    { flags: "--confirm <time>", what: "how long the trial lasts (60s when not said)" },
    { flags: "--now", what: "no trial: confirm at once (for scripts)" },
    JSON_FLAG,
  ],
  examples: ["firewall apply", "firewall apply --confirm 5m", "firewall apply --now"],
  load: async () => (await commands()).apply,
};

const confirm: Command = {
  name: "firewall confirm",
  summary: "keep what is on trial",
  flags: [JSON_FLAG],
  examples: ["firewall confirm"],
  load: async () => (await commands()).confirm,
};

const rollback: Command = {
  name: "firewall rollback",
  summary: "end a trial now, back to what was confirmed",
  flags: [JSON_FLAG],
  examples: ["firewall rollback"],
  load: async () => (await commands()).rollback,
};

const status: Command = {
  name: "firewall status",
  summary: "show what the kernel holds",
  flags: [JSON_FLAG],
  examples: ["firewall status"],
  load: async () => (await commands()).status,
};

const teardown: Command = {
  name: "firewall teardown",
  summary: "remove our table with everything in it: nothing is closed any more",
  flags: [JSON_FLAG],
  examples: ["firewall teardown"],
  load: async () => (await commands()).teardown,
};

/** Commands about what is closed. */
export const firewallTopic: Topic = {
  title: "Firewall",
  commands: [plan, apply, confirm, rollback, status, teardown],
};
