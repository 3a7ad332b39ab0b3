// @ts-check
// npm run bench: knockline beside its peers, in namespaces. The figures go to stdout, the progress to stderr.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { aboutThisMachine, BUSY } from "../bench/machine.mjs";
import { measurements } from "../bench/measurements/all.mjs";
import { asJson, asMarkdown, asText } from "../bench/report.mjs";
import { exitOnSignals } from "./lab.mjs";
import { buildPrograms, has, installTools, StepFailed, step } from "./steps.mjs";

const HELP = `npm run bench -- [options] [FILE]   knockline beside its peers, in network namespaces; needs root

  --quick            small counts: a minute or two, to see that it works
  --full             large counts: half an hour
  --only NAME,NAME   only these measurements
  --json             the figures for programs
  --markdown         the page docs/benchmarks.md
  FILE               write there instead of the terminal
  --help

measurements:
${measurements.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join("\n")}

Exit code 0, 1 when a promise was not met (2: usage). Busy machines give worthless figures: it tells at its start.
examples:
  sudo npm run bench -- --quick --only latency,replay
  sudo npm run bench -- --full --markdown docs/benchmarks.md
`;

/** A progress line is due when nothing was said for so long. Milliseconds. */
const SILENCE = 2_000;

/** @typedef {import("../bench/measurements/measurement.mjs").Measurement} Measurement */
/** @typedef {import("../bench/contestants/contestant.mjs").Contestant} Contestant */

function readArguments() {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
    allowPositionals: true,
  });
  const names = values.only?.flatMap((list) => list.split(","));
  const unknown = names?.find((name) => !measurements.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new StepFailed(
      `no measurement is called ${unknown}\ntake some of ${measurements.map(({ name }) => name).join(", ")}`,
    );
  if (positionals.length > 1)
    throw new StepFailed(`more than one FILE: ${positionals.join(" ")}\nname one, or none for the terminal`);
  return {
    help: values.help,
    size: /** @type {"quick" | "usual" | "full"} */ (values.quick ? "quick" : values.full ? "full" : "usual"),
    chosen: measurements.filter(({ name }) => names?.includes(name) ?? true),
    write: values.json ? asJson : values.markdown ? asMarkdown : asText,
    file: positionals[0],
  };
}

/**
 * Installs what contestants need, and tells who cannot take part for want of it.
 * @param {Measurement[]} chosen
 */
async function gather(chosen) {
  const everybody = [...new Set(chosen.flatMap(({ contestants }) => contestants))];
  const tools = Object.assign({ ip: "iproute2" }, ...everybody.map((one) => one.tools));
  await step("programs of the peers", () => installTools(tools), { stream: process.stderr });
  return everybody.flatMap(({ name, tools }) => {
    const lacks = Object.keys(tools).filter((program) => !has(program));
    const packages = lacks.map((program) => tools[program]).join(" ");
    return lacks.length > 0
      ? [{ contestant: name, why: `no ${lacks.join(", ")} here: apt-get install ${packages}` }]
      : [];
  });
}

/** @returns {(text: string) => void} prints a line when the last one is some time ago */
function progress() {
  const start = performance.now();
  let last = start;
  return (text) => {
    const now = performance.now();
    if (now - last < SILENCE) return;
    last = now;
    console.error(`  ${((now - start) / 1000).toFixed(0).padStart(4)} s  ${text}`);
  };
}

async function main() {
  const { help, size, chosen, write, file } = readArguments();
  if (help) {
    console.log(HELP);
    return 0;
  }
  exitOnSignals();
  await buildPrograms(process.stderr);
  const leftOut = await gather(chosen);
  for (const { contestant, why } of leftOut) console.error(`· left out: ${contestant} (${why})`);
  const machine = await aboutThisMachine();
  if (machine.busy_percent > BUSY)
    console.error(
      `· this machine is busy (${machine.busy_percent} % of its processors, load ${machine.load}): the times will say little`,
    );

  /** @type {import("../bench/report.mjs").Report} */
  const report = { at: new Date().toISOString(), size, machine, results: [], leftOut, missed: [] };
  for (const measurement of chosen) {
    const present = measurement.contestants.filter(
      ({ name }) => !leftOut.some(({ contestant }) => contestant === name),
    );
    console.error(`· ${measurement.title}`);
    const start = performance.now();
    try {
      const rows = await measurement.measure(present, measurement.counts[size], progress());
      report.results.push({ measurement, rows, seconds: Math.round((performance.now() - start) / 1000) });
      report.missed.push(...(measurement.missed?.(rows) ?? []).filter((what) => what !== false));
    } catch (error) {
      console.error(error); // what was measured so far is not lost for it
      report.missed.push(`"${measurement.title}" could not be measured`);
    }
  }
  if (file === undefined) console.log(write(report));
  else writeFileSync(file, `${write(report)}\n`);
  return report.missed.length === 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  const known = error instanceof StepFailed || /** @type {any} */ (error).code?.startsWith("ERR_PARSE_ARGS");
  console.error(known ? /** @type {Error} */ (error).message : error);
  process.exit(known ? 2 : 1);
}
