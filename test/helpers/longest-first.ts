import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The test files that take longest on a quiet machine, the longest first. Mostly they wait (for Asterisk to be away, for
 * a machine to boot, for silence to be noticed), and a worker is free beside them; begun last, one would be waited for alone.
 */
export const LONGEST: readonly string[] = [
  "phone-outages.test.ts",
  "phone-link-load.test.ts",
  "fresh-machine.test.ts",
  "host-firewalls.test.ts",
  "phone-calls.test.ts",
  "tcp-knocks.test.ts",
  "phone-link.test.ts",
  "sweeps.test.ts",
  "phone-guessing.test.ts",
  "allowlist.test.ts",
  "policy.test.ts",
  "audit.test.ts",
];

/** Vitest's own order, but for these: without a cache of earlier runs it goes by the size of the files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.indexOf(basename(moduleId));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
