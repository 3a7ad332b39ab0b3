import { TABLE } from "./table.ts";

/** What a line of `nft monitor` tells: a change of our table, the end of a transaction, or that lines were lost. */
export type MonitorLine =
  | { readonly is: "ours" }
  | { readonly is: "generation"; readonly pid: number | undefined }
  | { readonly is: "lost" }
  | { readonly is: "other" };

const OURS = new RegExp(`^\\w+ \\w+ ${TABLE}( |$)`);

/**
 * Reads one line of `nft monitor`. After the lines of each transaction comes `# new generation 9 by process 3422
 * (nft)`; the pid is that of the outermost pid namespace.
 */
export function readMonitorLine(line: string): MonitorLine {
  if (OURS.test(line)) return { is: "ours" };
  const generation = /^# new generation \d+(?: by process (\d+))?/.exec(line);
  if (generation !== null) {
    return { is: "generation", pid: generation[1] === undefined ? undefined : Number(generation[1]) };
  }
  return { is: /lost|overrun|ERROR/.test(line) ? "lost" : "other" };
}
