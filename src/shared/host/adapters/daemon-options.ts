import { parseArgs } from "node:util";
import { SYSTEM_CONFIG } from "../../settings/paths.ts";

/** What both daemons may be told. */
export interface DaemonOptions {
  /** The settings file: `--config`, else $KNOCKLINE_CONFIG, else the installed one. */
  readonly config: string;
  readonly check: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/**
 * Reads a daemon's command line. A word that it does not know ends the process: exit 2, one line what, one line what to do.
 * @param name the program's, as people call it
 */
export function daemonOptions(name: string): DaemonOptions {
  const flag = { type: "boolean", default: false } as const;
  try {
    const options = { config: { type: "string" }, check: flag, help: flag, version: flag } as const;
    const { config, ...asked } = parseArgs({ options, strict: true }).values;
    return { ...asked, config: config ?? process.env.KNOCKLINE_CONFIG ?? SYSTEM_CONFIG };
  } catch (error) {
    process.stderr.write(
      `${name}: ${(error as Error).message}\n${" ".repeat(name.length + 2)}see ${name} --help\n`,
    );
    process.exit(2);
  }
}
