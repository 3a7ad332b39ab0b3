import * as z from "zod";
import { misused } from "../../../failure.ts";
import { STEPS, type Step } from "../judge.ts";
import type { Report } from "../report.ts";

const text = z.string().max(1_000);
const step = z.enum(Object.keys(STEPS) as [Step, ...Step[]]);
const report = z.object({
  host: text,
  address: text,
  from: text.min(1),
  at: z.iso.datetime(),
  steps: z
    .array(
      z.object({
        step,
        result: z.enum(["pass", "fail", "unseen"]),
        what: text,
        finding: z
          .object({ id: text, severity: z.enum(["high", "medium", "low"]), what: text, why: text, fix: text })
          .nullable(),
      }),
    )
    .max(Object.keys(STEPS).length),
});

/** Reads what `audit --save` wrote. @throws Failure (usage) for anything else */
export function decodeReport(path: string, json: string): Report {
  try {
    return report.parse(JSON.parse(json));
  } catch {
    throw misused(
      `${path} is no report of an audit from outside`,
      "give files of: knockctl audit --from-outside HOST --save FILE",
    );
  }
}
