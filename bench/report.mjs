// @ts-check
// What a run found, for people: a table on the terminal, or docs/benchmarks.md whole.
import { table } from "./figures.mjs";
import { BUSY } from "./machine.mjs";

/** @typedef {import("./measurements/measurement.mjs").Measurement} Measurement */
/** @typedef {import("./measurements/measurement.mjs").Row} Row */
/** @typedef {import("./measurements/measurement.mjs").Column} Column */

/**
 * @typedef {object} Report
 * @property {string} at ISO 8601
 * @property {string} size quick, usual or full
 * @property {Awaited<ReturnType<typeof import("./machine.mjs").aboutThisMachine>>} machine
 * @property {{ measurement: Measurement, rows: Row[], seconds: number }[]} results
 * @property {{ contestant: string, why: string }[]} leftOut
 * @property {string[]} missed promises that were not kept
 */

const OURS = "knockline";

/** @param {Row[]} rows @param {Row} row @param {Column} column */
function cell(rows, row, { key, digits = 0, compare = false }) {
  const value = row[key];
  if (value === null || value === undefined) return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const ours = Number(rows.find((one) => one.contestant === OURS && one.case === row.case)?.[key]);
  if (!compare || row.contestant === OURS || !(ours > 0)) return text;
  const times = value / ours;
  return `${text} (${times.toFixed(times < 1 ? 2 : times < 10 ? 1 : 0)}x)`;
}

/** @param {Measurement} measurement @param {Row[]} rows @returns {string[][]} the first is the heading */
function cells({ columns }, rows) {
  const cases = rows.some((row) => row.case !== undefined);
  const heading = [...(cases ? ["when"] : []), "who", ...columns.map(({ head }) => head)];
  const lines = rows.map((row, n) => {
    const which = rows[n - 1]?.case === row.case ? "" : (row.case ?? "");
    const figures = columns.map((column) => cell(rows, row, column));
    return [...(cases ? [which] : []), row.contestant, ...figures];
  });
  return [heading, ...lines];
}

/** @param {string[][]} rows */
const markdownTable = ([heading = [], ...rows]) =>
  [heading, heading.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** @param {Report["machine"]} machine */
const machineLine = ({ cores, cpu, memory_gib, kernel, node, nftables }) =>
  `${cores} cores (${cpu}), ${memory_gib} GiB, Linux ${kernel}, Node ${node}, nftables ${nftables}`;

/** @param {Report["machine"]} machine @returns {string} empty when the machine was quiet */
const caution = ({ load, busy_percent }) =>
  busy_percent > BUSY
    ? `The machine was busy before we began (${busy_percent} % of its processors, load ${load.toFixed(1)}): its times say little.`
    : "";

/** @param {Report} report @returns {string[]} */
const remarks = ({ machine, leftOut, missed, results }) => [
  ...leftOut.map(({ contestant, why }) => `Left out: ${contestant} (${why}).`),
  ...(caution(machine) ? [caution(machine)] : []),
  ...missed.map((what) => `Promised and not met: ${what}.`),
  ...(missed.length === 0 && results.some(({ measurement }) => measurement.missed)
    ? ["All that was promised of this was met."]
    : []),
];

/** @param {Report} report */
export function asText(report) {
  const parts = report.results.map(
    ({ measurement, rows }) => `${measurement.title}\n\n${table(cells(measurement, rows), 2)}\n`,
  );
  const legend = "(Nx): so many times knockline's figure.";
  return [...parts, machineLine(report.machine), legend, ...remarks(report)].join("\n");
}

/** @param {Report} report @returns {string} all of docs/benchmarks.md */
export function asMarkdown(report) {
  const { results, machine, at, size } = report;
  const contestants = new Map(
    results.flatMap(({ measurement }) => measurement.contestants).map((one) => [one.name, one]),
  );
  const sections = results.map(
    ({ measurement, rows }) =>
      `## ${measurement.title}\n\n${measurement.method}\n\n${markdownTable(cells(measurement, rows))}\n`,
  );
  return [
    "# Benchmarks\n",
    "`sudo npm run bench` measures this on your machine, in network namespaces that are gone afterwards; `-- --help` says",
    "what can be chosen. This page is the output of `npm run bench -- --markdown docs/benchmarks.md`.\n",
    `Measured ${at.slice(0, 10)} (${size} counts) on ${machineLine(machine)}.\n`,
    ...remarks(report).map((remark) => `* ${remark}`),
    "\n## Who is measured\n",
    "Each contestant guards tcp/22 on a server of its own; a laptop that can be many reaches it over a veth cable, all in",
    "one run. `(Nx)` is so many times knockline's figure.\n",
    ...[...contestants.values()].map(({ name, about }) => `* *${name}*: ${about}.`),
    "",
    ...sections,
    "## Where knockline's time goes\n",
    "[Decision 9](decisions/0009-knock-to-open.md) says what knock to open consists of, and what was tried.",
  ].join("\n");
}

/** @param {Report} report for programs */
export function asJson({ results, leftOut, ...rest }) {
  const measured = results.map(({ measurement: { name, title }, rows, seconds }) => ({
    name,
    title,
    seconds,
    rows,
  }));
  return JSON.stringify({ ...rest, left_out: leftOut, measurements: measured }, null, 1);
}
