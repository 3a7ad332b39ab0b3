import { parseArgs } from "node:util";
import { SYSTEM_CONFIG } from "../../settings/paths.ts";
import { DAEMON_EXIT, type Daemon } from "../daemon.ts";

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
 */
export function daemonOptions({ name, options: known }: Daemon): DaemonOptions {
  const kind = (option: keyof typeof known) =>
    ({ type: known[option].value === undefined ? "boolean" : "string" }) as const;
  try {
    const { values } = parseArgs({
      options: {
        config: kind("config"),
        check: kind("check"),
        help: kind("help"),
        version: kind("version"),
      },
      strict: true,
    });
    return {
      check: values.check === true,
      help: values.help === true,
      version: values.version === true,
      config: String(values.config ?? process.env.KNOCKLINE_CONFIG ?? SYSTEM_CONFIG),
    };
  } catch (error) {
    process.stderr.write(
      `${name}: ${(error as Error).message}\n${" ".repeat(name.length + 2)}see ${name} --help\n`,
    );
    process.exit(DAEMON_EXIT.settings);
  }
}
