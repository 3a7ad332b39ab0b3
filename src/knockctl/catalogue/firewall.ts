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
  load: async () => (await import("../commands/status.ts")).firewallStatus,
};

const integrate: Command = {
  name: "firewall integrate",
  summary: "let the host's own firewall accept what we marked; its rules and saved files",
  flags: [
    { flags: "--check", what: "only look; exits 1 when it is not right" },
    { flags: "--remove", what: "take our rule out again" },
    { flags: "--dry-run", what: "say what would be changed, change nothing" },
    { flags: "--root <folder>", what: "where the host's files are (/)" },
    JSON_FLAG,
  ],
  examples: ["firewall integrate", "firewall integrate --check", "firewall integrate --remove"],
  load: async () => (await import("../commands/integrate.ts")).integrate,
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
  commands: [plan, apply, confirm, rollback, status, integrate, teardown],
};
