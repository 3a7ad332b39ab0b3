/** The laboratory of network namespaces that the demo uses too; see scripts/lab.mjs. */

export { type Host, type Lab, openLab, type Ran, type Running } from "../../scripts/lab.mjs";
export type { Agent } from "../../scripts/lab-agent-link.mjs";
