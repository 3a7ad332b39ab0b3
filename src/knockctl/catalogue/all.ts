import type { Command, Topic } from "../command.ts";
import { accessTopic } from "./access.ts";
import { allowTopic } from "./allow.ts";
import { approvalTopic } from "./approval.ts";
import { firewallTopic } from "./firewall.ts";
import { instanceTopic } from "./instance.ts";
import { phoneTopic } from "./phone.ts";
import { usersTopic } from "./users.ts";

/** Every topic, in the overview's order. */
export const TOPICS: readonly Topic[] = [
  accessTopic,
  allowTopic,
  approvalTopic,
  usersTopic,
  phoneTopic,
  firewallTopic,
  instanceTopic,
];

/** Every command. */
export const COMMANDS: readonly Command[] = TOPICS.flatMap(({ commands }) => commands);

/** What a group of commands is about, by its first word. */
export const GROUPS: Readonly<Record<string, string>> = {
  user: "add, change, show and remove users",
  allow: "let addresses, networks and names in for good",
  firewall: "try, confirm and remove what is closed",
  phone: "prove the link to Asterisk, print its dialplan",
  config: "check the settings",
  import: "take over what another product lets in",
};
