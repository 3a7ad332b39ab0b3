import { TABLE } from "./table.ts";

/** What a line of `nft monitor` tells: a change of our table, the end of a transaction, that lines were lost, or nothing to us. */
export type MonitorLine = "ours" | "generation" | "lost" | "other";

const OURS = new RegExp(`^\\w+ \\w+ ${TABLE}( |$)`);

/** Reads one line of `nft monitor`: the changes of a transaction come first, then `# new generation 9 by ...`. */
export function readMonitorLine(line: string): MonitorLine {
  if (OURS.test(line)) return "ours";
  if (line.startsWith("# new generation ")) return "generation";
  return /lost|overrun|ERROR/.test(line) ? "lost" : "other";
}
