import type { Verdict } from "../audit/verdict.ts";
import type { Terminal } from "../world.ts";
import { printable, styleFor } from "./style.ts";

const MARKS = {
  high: { word: "BAD", room: "   " },
  medium: { word: "weak", room: "  " },
  low: { word: "note", room: "  " },
} as const;

/** What was checked, one line each; findings with why and cure below. */
export function renderVerdicts(verdicts: readonly Verdict[], terminal: Terminal | undefined): string {
  const style = styleFor(terminal);
  const lines = verdicts.map((one) => {
    if (one.kind === "fine") return `${style.good("ok")}    ${printable(one.what)}`;
    if (one.kind === "unseen") return `${style.faint("?")}     ${printable(one.what)}`;
    const { severity, what, why, fix } = one.finding;
    const { word, room } = MARKS[severity];
    const mark = severity === "high" ? style.bad(word) : severity === "medium" ? style.warning(word) : word;
    return [
      `${mark}${room}${printable(what)}`,
      `      why: ${printable(why)}`,
      `      fix: ${printable(fix)}`,
    ].join("\n");
  });
  const count = verdicts.filter(({ kind }) => kind === "finding").length;
  return [...lines, "", count === 0 ? "nothing to put right" : `${count} to put right`].join("\n");
}
