import { STEPS, type Step } from "../audit/outside/judge.ts";
import type { Report, StepReport } from "../audit/outside/report.ts";
import { finding, fine, unseen, type Verdict } from "../audit/verdict.ts";
import type { Terminal } from "../world.ts";
import { type Style, styleFor } from "./style.ts";
import { type Cell, type Column, table } from "./table.ts";
import { renderVerdicts } from "./verdicts.ts";

const stepOf = (report: Report, step: Step): StepReport | undefined =>
  report.steps.find((one) => one.step === step);

function cell(one: StepReport | undefined, style: Style): Cell {
  if (one === undefined) return { text: "-", dress: style.faint };
  if (one.result === "pass") return { text: "ok", dress: style.good };
  return one.result === "fail" ? { text: "BAD", dress: style.bad } : { text: "?", dress: style.warning };
}

const verdictOf = (one: StepReport): Verdict =>
  one.finding !== null ? finding(one.finding) : one.result === "pass" ? fine(one.what) : unseen(one.what);

/** Every step from every vantage point in one table, then what was seen from each. */
export function renderReports(reports: readonly Report[], terminal: Terminal | undefined): string {
  const style = styleFor(terminal);
  const steps = (Object.keys(STEPS) as Step[]).filter((step) =>
    reports.some((report) => stepOf(report, step)),
  );
  const columns: Column<Step>[] = [
    { title: "STEP", cell: (step) => STEPS[step] },
    ...reports.map((report) => ({
      title: report.from,
      cell: (step: Step) => cell(stepOf(report, step), style),
    })),
  ];
  const parts = reports.map((report) =>
    [
      style.strong(`${report.host} (${report.address}) from ${report.from}, ${report.at}`),
      renderVerdicts(report.steps.map(verdictOf), terminal),
    ].join("\n"),
  );
  return [table(columns, steps, style, Number.POSITIVE_INFINITY), ...parts].join("\n\n");
}
