/** The laboratory of network namespaces that the demo uses too; see scripts/lab.mjs. */

export { type Lab, openLab } from "../../scripts/lab.mjs";
export type { Agent, Reached } from "../../scripts/lab-agent-link.mjs";
export type { Ran, Running } from "../../scripts/lab-children.mjs";
export type { Host, RunOptions } from "../../scripts/lab-host.mjs";
