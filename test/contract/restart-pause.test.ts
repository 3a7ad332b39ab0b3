import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../scripts/steps.mjs";

const SCRIPT = join(root, "systemd/knockline-restart-pause");
const MINUTE = 60_000_000;

/** What systemd tells of a unit; times in microseconds. */
interface Told {
  restarts: number;
  now?: number;
  came?: number;
  went?: number;
}

describe("the pause before a restart", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-pause-"));
    writeFileSync(join(folder, "systemctl"), '#!/bin/sh\nprintf "%s\\n" $TOLD\n', { mode: 0o755 });
    writeFileSync(join(folder, "sleep"), '#!/bin/sh\necho "slept $1"\n', { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns seconds */
  function pause({ restarts, now = 0, came = 0, went = 0 }: Told): number {
    const times = `ActiveEnterTimestampMonotonic=${came} ActiveExitTimestampMonotonic=${went}`;
    const TOLD = `NRestarts=${restarts} InactiveExitTimestampMonotonic=${now} ${times}`;
    const PATH = [folder, process.env.PATH].join(delimiter);
    const { status, stdout } = spawnSync(SCRIPT, ["x.service"], {
      encoding: "utf8",
      env: { PATH, TOLD },
    });
    expect(status).toBe(0);
    return Number(/^slept (\d+)$/m.exec(stdout)?.[1] ?? 0);
  }

  test("is none for a start by hand and for the first restart, then doubles up to a minute", () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map((restarts) => pause({ restarts }));
    expect(pauses).toEqual([0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test("is none for a crash after ten healthy minutes, however many there were before", () => {
    expect(pause({ restarts: 9, came: MINUTE, went: 12 * MINUTE, now: 12 * MINUTE + 1_000_000 })).toBe(0);
  });

  test("grows again when starts keep failing after such a life", () => {
    expect(pause({ restarts: 9, came: MINUTE, went: 12 * MINUTE, now: 13 * MINUTE })).toBe(60);
  });
});
