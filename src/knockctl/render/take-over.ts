import { formatDuration } from "../../shared/duration.ts";
import type { Sequence } from "../incrediblepbx/knockd-conf.ts";
import type { Entry, TakeOver } from "../incrediblepbx/take-over.ts";
import type { At, Remark } from "../incrediblepbx/whitelist.ts";
import type { Terminal } from "../world.ts";
import { printable, styleFor } from "./style.ts";
import { table } from "./table.ts";
import { stepsText } from "./users.ts";

const where = ({ path, line }: At): string => `${path}:${line}`;

/** One line of a file and what is said of it. */
export const remarkLine = ({ at, text, why }: Remark): string => `${where(at)}: ${why}: ${text}`;

/** What an import did; null: it was only said what it would do. */
type Done = { readonly added: number; readonly changed: number; readonly same: number } | null;

interface Row {
  readonly at: At;
  readonly what: string;
  readonly how: string;
  readonly isTaken: boolean;
}

const rowsOf = ({ what, services, note, from }: Entry): Row[] =>
  from.map((at) => ({
    at,
    what,
    how: `for ${services.join(",") || "all services"}${note === null ? "" : `, note: ${note}`}`,
    isTaken: true,
  }));

const leftRow = ({ at, text, why }: Remark): Row => ({ at, what: text, how: why, isTaken: false });

/** Every line that counted, in the order of the files: taken, or left out and why. */
function rows({ files, entries, left }: TakeOver): Row[] {
  return [...entries.flatMap(rowsOf), ...left.map(leftRow)].sort(
    (a, b) => files.indexOf(a.at.path) - files.indexOf(b.at.path) || a.at.line - b.at.line,
  );
}

function sequenceLine({ at, name, steps, window, opensFor, ports }: Sequence): string {
  const what =
    ports === null ? "runs a command" : ports.length === 0 ? "opens every port" : "opens its ports";
  const until = opensFor === null ? "until it is closed" : `for ${formatDuration(opensFor)}`;
  return `  [${name}] ${stepsText({ steps: [...steps] })} within ${formatDuration(window)}: ${what} ${until}  (${where(at)})`;
}

function sequenceLines(sequences: readonly Sequence[], commands: readonly string[]): string[] {
  if (sequences.length === 0) return [];
  return [
    "",
    "knockd:",
    ...sequences.map(sequenceLine),
    "its ports are not taken over: everybody who ever had them knows them, and a sweep can hit them. Each user gets three",
    "secret ports of his own, and a client to knock with (user client NAME):",
    ...commands.map((line) => `  ${line}`),
    "then stop the old one: systemctl disable --now knockd",
  ];
}

function outcome(done: Done, { entries }: TakeOver): string {
  if (done === null) return `would be on the allowlist: ${entries.length}; nothing was changed`;
  return `on the allowlist: ${done.added} added, ${done.changed} changed, ${done.same} as they were`;
}

/** What was read, what was taken, and what was left out and why. */
export function renderTakeOver(
  found: TakeOver,
  commands: readonly string[],
  done: Done,
  terminal: Terminal | undefined,
): string {
  const style = styleFor(terminal);
  const columns = [
    { title: "FROM", cell: ({ at }: Row) => where(at) },
    {
      title: "",
      cell: ({ isTaken }: Row) =>
        isTaken ? { text: "taken", dress: style.good } : { text: "left out", dress: style.faint },
    },
    { title: "WHAT", cell: ({ what }: Row) => what.slice(0, 60) },
    { title: "HOW, OR WHY NOT", cell: ({ how }: Row) => how },
  ];
  const problems = found.problems.map((one) => style.bad(printable(`not understood: ${remarkLine(one)}`)));
  return [
    ...found.files.map((path) => `read: ${printable(path)}`),
    "",
    table(columns, rows(found), style, Number.POSITIVE_INFINITY),
    ...problems,
    outcome(done, found),
    ...sequenceLines(found.knockd?.sequences ?? [], commands).map(printable),
  ].join("\n");
}
