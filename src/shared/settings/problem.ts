/** One thing wrong in a settings file. */
export interface SettingsProblem {
  /** Where, in dots: `services.sip.ports[1]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Writes a problem in one line: `access.ttl: must be a duration such as 90s, 15m, 2h, 1d`. */
export function formatProblem({ path, message }: SettingsProblem): string {
  return path === "" ? message : `${path}: ${message}`;
}

/** The settings cannot be used. The message holds every problem, one a line; `cure` says what to do. */
export class SettingsError extends Error {
  constructor(
    /** The settings file. */
    readonly file: string,
    readonly problems: readonly SettingsProblem[],
    readonly cure: string,
  ) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "SettingsError";
  }
}

/** @returns what to do where a store is there, and the secret that it was made under is not */
export const cureForLostSecret = (db: string): string =>
  `put the old secret back, or restore a backup: move ${db} away, then knockctl init --no-user and knockctl restore FILE`;
