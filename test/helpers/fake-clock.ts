import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seconds } from "../../src/shared/duration.ts";

/** A wall clock that a test sets, for programs it starts; their uptime and timers go on as they are. */
export interface FakeClock {
  /** What the programs must be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** How far it is ahead of the machine's, seconds; negative: behind. */
  ahead: number;
  /** Now by it, ms since 1970. */
  readonly now: number;
}

/** libfaketime in front of clock_gettime(2): Debian's package `faketime`. @param folder for its file */
export function fakeClock(folder: string): FakeClock {
  const file = join(folder, "clock");
  let ahead = 0;
  const write = (): void => {
    writeFileSync(`${file}.new`, `${ahead < 0 ? "" : "+"}${ahead}s`);
    renameSync(`${file}.new`, file); // a program that looks in between must not read half
  };
  write();
  return {
    env: {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    get ahead() {
      return ahead;
    },
    set ahead(value) {
      ahead = value;
      write();
    },
    get now() {
      return Date.now() + seconds(ahead);
    },
  };
}

/** Debian keeps it in a folder of each architecture. */
function library(): string {
  const found = readdirSync("/usr/lib")
    .map((name) => join("/usr/lib", name, "faketime/libfaketime.so.1"))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error("libfaketime is not where Debian puts it");
  return found;
}
