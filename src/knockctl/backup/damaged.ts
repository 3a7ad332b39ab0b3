import { EXIT, Failure } from "../failure.ts";

/** @returns the failure for a backup that was recognised and cannot be read */
export function damagedBackup(how: string): Failure {
  return new Failure(EXIT.refused, `the backup is damaged: ${how}`, "take another copy; nothing was changed");
}
