import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as vitest from "vitest";
import { has } from "../../scripts/steps.mjs";
import { TEST_TOOLS } from "../../scripts/test-tools.mjs";
import { Cgroup } from "./cgroup.ts";

/** What is not a program: asked in its own way. Each gives why it is missing, or undefined. */
const CONDITIONS: Record<string, () => string | undefined> = {
  root: () => (process.getuid?.() === 0 ? undefined : "root (run it with sudo)"),
  ipv6: () => (existsSync("/proc/net/if_inet6") ? undefined : "IPv6 in this kernel"),
  namespaces: () =>
    spawnSync("unshare", ["-n", "--", "true"]).status === 0
      ? undefined
      : "leave to make network namespaces (run it as root, in a container with --privileged)",
  /** The old iptables lives by kernel modules of its own, and new kernels may be built without them. */
  "iptables-legacy": () =>
    spawnSync("unshare", ["-n", "--", "iptables-legacy", "-S"]).status === 0
      ? undefined
      : "iptables-legacy and its modules (apt-get install iptables; CONFIG_IP_NF_IPTABLES_LEGACY)",
  /** An ext4 in a file. */
  loop: () =>
    spawnSync("losetup", ["-f"]).status === 0 && readFileSync("/proc/filesystems", "utf8").includes("ext4")
      ? undefined
      : "a loop device and ext4 in this kernel",
  cgroups: () =>
    Cgroup.areThere()
      ? undefined
      : "leave to make control groups (a container with --privileged, or no container)",
  long: () => (process.env.KNOCKLINE_LONG === "1" ? undefined : "the long run (npm run test:long)"),
};

/** What a test can ask for: a condition above, or a program that scripts/test-tools.mjs names. */
export type Need = "root" | "ipv6" | "namespaces" | "long" | (string & {});

/**
 * Looks for what is missing. @returns one phrase for each, empty when everything is there.
 * @throws for a program that `npm test` does not install
 */
export function missing(needs: readonly Need[]): string[] {
  return needs.flatMap((need) => (CONDITIONS[need] ? CONDITIONS[need]() : missingProgram(need)) ?? []);
}

function missingProgram(name: string): string | undefined {
  const bringer = TEST_TOOLS[name];
  if (bringer === undefined) throw new Error(`${name} is not in scripts/test-tools.mjs: add it there`);
  return has(name) ? undefined : `${name} (apt-get install ${bringer})`;
}

/**
 * `const { describe, test } = needs("root", "nft")`: Vitest's own when all is there. Otherwise everything they
 * are given is skipped under a name that says what is missing, or fails when KNOCKLINE_REQUIRE_ALL=1.
 * The long run is never required.
 */
export function needs(...wanted: Need[]): { describe: typeof vitest.describe; test: typeof vitest.test } {
  const lacks = missing(wanted);
  if (lacks.length === 0) return { describe: vitest.describe, test: vitest.test };
  const reason = `needs ${lacks.join(", ")}`;
  const required =
    process.env.KNOCKLINE_REQUIRE_ALL === "1" && !lacks.every((lack) => lack.startsWith("the long run"));
  const fail = (name: string) =>
    vitest.test(name, () => {
      throw new Error(`${reason}: KNOCKLINE_REQUIRE_ALL=1 allows no skip`);
    });
  const instead =
    (skip: (name: string, body: () => void) => unknown) =>
    (name: string, ...rest: unknown[]): unknown =>
      required ? fail(name) : skip(`${name} [${reason}]`, bodyOf(rest));
  return {
    describe: instead(vitest.describe.skip) as typeof vitest.describe,
    test: instead(vitest.test.skip) as typeof vitest.test,
  };
}

/** The test's body, whether or not options come before it. */
function bodyOf(rest: unknown[]): () => void {
  return rest.find((part): part is () => void => typeof part === "function") ?? (() => {});
}
