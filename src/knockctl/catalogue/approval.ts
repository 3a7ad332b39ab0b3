import { type Command, JSON_FLAG, type Topic } from "../command.ts";

const commands = () => import("../commands/approval.ts");

const pending: Command = {
  name: "pending",
  summary: "show good knocks that wait for their approval",
  flags: [JSON_FLAG],
  examples: ["pending", "pending --json | jq -r '.pending[].id'"],
  load: async () => (await commands()).pending,
};

const approve: Command = {
  name: "approve",
  args: ["<id>"],
  summary: "open what a waiting knock asked for, as its user's call would",
  flags: [JSON_FLAG],
  examples: ["approve p1a2b3c"],
  load: async () => (await commands()).approve,
};

const deny: Command = {
  name: "deny",
  args: ["<id>"],
  summary: "throw a waiting knock away",
  flags: [JSON_FLAG],
  examples: ["deny p1a2b3c"],
  load: async () => (await commands()).deny,
};

const unlock: Command = {
  name: "unlock",
  args: ["<who>"],
  summary: "forgive wrong tries: of a user, a caller, `strangers` or `all`",
  flags: [JSON_FLAG],
  examples: ["unlock alice", "unlock PJSIP/201", "unlock +49301234567", "unlock all"],
  load: async () => (await commands()).unlock,
};

/** Commands about good knocks that are not let in yet, and about those who tried too often. */
export const approvalTopic: Topic = { title: "Approval", commands: [pending, approve, deny, unlock] };
