import type { Address } from "../../../shared/address.ts";
import type { Finding } from "../verdict.ts";
import type { Judged, Step } from "./judge.ts";

/** What one step came to, as it is saved. */
export interface StepReport {
  step: Step;
  result: "pass" | "fail" | "unseen";
  what: string;
  finding: Finding | null;
}

/** What was seen from one vantage point: the file of `--save`. */
export interface Report {
  /** As it was named. */
  host: string;
  address: string;
  /** What the vantage point is called. */
  from: string;
  /** ISO 8601 UTC. */
  at: string;
  steps: StepReport[];
}

/** Writes down what was judged. @param now milliseconds since 1970 */
export function reportOf(
  host: string,
  address: Address,
  from: string,
  now: number,
  judged: readonly Judged[],
): Report {
  return {
    host,
    address,
    from,
    at: new Date(now).toISOString(),
    steps: judged.map(({ step, verdict }) =>
      verdict.kind === "finding"
        ? { step, result: "fail", what: verdict.finding.what, finding: verdict.finding }
        : { step, result: verdict.kind === "fine" ? "pass" : "unseen", what: verdict.what, finding: null },
    ),
  };
}

/** Puts reports side by side, in order of their names; of two with one name the later one counts. */
export function merge(reports: readonly Report[]): Report[] {
  const byName = new Map<string, Report>(); // bounded: by the files that were named
  for (const report of reports) {
    const other = byName.get(report.from);
    if (other === undefined || other.at <= report.at) byName.set(report.from, report);
  }
  return [...byName.values()].sort((a, b) => a.from.localeCompare(b.from));
}
