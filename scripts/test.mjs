// @ts-check
// npm test: the set-up, then the test projects, contract and e2e together; the last line is the sum.
//   --only unit|fuzz|contract|e2e   only that project       --long   the full counts too (KNOCKLINE_LONG=1)
//   anything else              only test files whose path contains it
import { parseArgs } from "node:util";
import { fetchAsterisk } from "./asterisk-fetch.mjs";
import { fetchDebian } from "./debian-fetch.mjs";
import { buildPrograms, installPackages, installTools, root, StepFailed, step } from "./steps.mjs";
import { TEST_TOOLS } from "./test-tools.mjs";

/** The projects in their order; what stands together runs together. */
const TURNS = [["unit"], ["fuzz"], ["contract", "e2e"]];
const PROJECTS = TURNS.flat();

/** @typedef {{ name: string, why: string }} Told a test with its project and names, and why it failed or was skipped */

function readArguments() {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string", multiple: true }, long: { type: "boolean" } },
    allowPositionals: true,
  });
  const unknown = values.only?.find((name) => !PROJECTS.includes(name));
  if (unknown)
    throw new StepFailed(`no test project is called ${unknown}\ntake one of ${PROJECTS.join(", ")}`);
  return { projects: values.only ?? PROJECTS, long: values.long ?? false, filters: positionals };
}

/**
 * Runs some projects together, and tells what became of their tests.
 * @param {string[]} projects
 * @param {string[]} filters
 */
async function runProjects(projects, filters) {
  const { startVitest } = await import("vitest/node");
  const options = {
    root,
    project: projects,
    watch: false,
    passWithNoTests: true,
    config: "vitest.config.ts",
  };
  const vitest = await startVitest("test", filters, options);
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const broken = modules.flatMap((module) =>
    module.errors().map((error) => told(module.project, module.moduleId, error.message)),
  );
  const stray = vitest.state
    .getUnhandledErrors()
    .map((error) => told({ name: projects.join(" or ") }, "outside any test", String(error)));
  const failed = tests.filter((test) => !["passed", "skipped"].includes(test.result().state));
  const skipped = tests.filter((test) => test.result().state === "skipped");
  await vitest.close();
  return {
    passed: tests.length - failed.length - skipped.length,
    failed: [
      ...failed.map((test) => told(test.project, test.fullName, firstLine(test))),
      ...broken,
      ...stray,
    ],
    skipped: skipped.map((test) => told(test.project, test.fullName, reasonOf(test))),
  };
}

/** @param {{ name: string }} project @param {string} name @param {string} why @returns {Told} */
function told(project, name, why) {
  return { name: `${project.name}: ${name.replace(`${root}/`, "")}`, why: why.split("\n")[0] ?? "" };
}

/** @param {import("vitest/node").TestCase} test */
function firstLine(test) {
  return test.result().errors?.[0]?.message ?? "did not finish";
}

/**
 * The reason a skipped test gives: its note, or what test/helpers/needs.ts wrote into its name.
 * @param {import("vitest/node").TestCase} test
 */
function reasonOf(test) {
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  return note ?? /\[(needs [^\]]*)\]/.exec(test.fullName)?.[1] ?? "no reason given";
}

/**
 * With KNOCKLINE_REQUIRE_ALL=1 a skip is a failure; only the long run's full counts may be left out.
 * @param {Told[]} skipped
 * @returns {[wrongly: Told[], rightly: Told[]]}
 */
function judgeSkips(skipped) {
  if (process.env.KNOCKLINE_REQUIRE_ALL !== "1") return [[], skipped];
  const isLong = (/** @type {Told} */ test) => test.why === "needs the long run (npm run test:long)";
  return [skipped.filter((test) => !isLong(test)), skipped.filter(isLong)];
}

/** @param {string} heading @param {Told[]} list one line a reason, the tests under it */
function tell(heading, list) {
  if (list.length === 0) return;
  console.log(`\n${heading}`);
  for (const why of new Set(list.map((test) => test.why))) {
    console.log(`  ${why}`);
    for (const test of list.filter((one) => one.why === why))
      console.log(`    ${test.name.replaceAll(/ \[needs [^\]]*\]/g, "")}`);
  }
}

/**
 * Without it, its tests say what is missing.
 * @param {() => Promise<unknown>} fetch
 */
async function fetchIfPossible(fetch) {
  try {
    await fetch();
    return undefined;
  } catch (error) {
    return `not to be had: ${String(error).split("\n")[0]}`;
  }
}

async function main() {
  const { projects, long, filters } = readArguments();
  if (long) process.env.KNOCKLINE_LONG = "1";
  await installPackages();
  await step("tools", () => installTools(TEST_TOOLS));
  await buildPrograms();
  if (projects.some((name) => name !== "unit"))
    await step("a real Asterisk", () => fetchIfPossible(fetchAsterisk));
  if (projects.includes("e2e") && process.getuid?.() === 0)
    for (const suite of long ? ["trixie", "bookworm"] : ["trixie"])
      await step(`a fresh Debian (${suite})`, () => fetchIfPossible(() => fetchDebian(suite)));

  /** @type {{ passed: number, failed: Told[], skipped: Told[] }} */
  const sum = { passed: 0, failed: [], skipped: [] };
  const turns = TURNS.map((turn) => turn.filter((name) => projects.includes(name)));
  for (const turn of turns.filter(({ length }) => length > 0)) {
    const ran = await runProjects(turn, filters);
    sum.passed += ran.passed;
    const [wrongly, rightly] = judgeSkips(ran.skipped);
    sum.failed.push(...ran.failed, ...wrongly);
    sum.skipped.push(...rightly);
  }
  tell("Skipped:", sum.skipped);
  tell("Failed:", sum.failed);
  if (sum.passed + sum.failed.length === 0) console.log("\nno test ran");
  console.log(`\n${sum.passed} passed, ${sum.failed.length} failed, ${sum.skipped.length} skipped`);
  return sum.passed > 0 && sum.failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof StepFailed ? error.message : error);
  console.log("\n0 passed, 1 failed, 0 skipped");
  process.exitCode = 1;
}
