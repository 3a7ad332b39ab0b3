import type { EventView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { type Dress, printable, type Style, styleFor } from "./style.ts";
import { clockText } from "./time.ts";

const bare: Dress = (text) => text;

/** How an event reads at a glance: something opened, something was refused, or just news. */
function tone(event: string, style: Style): Dress {
  if (["opened", "renewed", "extended", "approved"].includes(event)) return style.good;
  if (["denied", "refused", "pin-wrong", "pin-locked", "otp-wrong", "call-failed"].includes(event))
    return style.bad;
  return ["expired", "revoked", "displaced", "withdrawn", "asked"].includes(event) ? style.warning : bare;
}

/** How wide the columns are, and how much of the time is told; what is longer pushes the rest to the right. */
interface Layout {
  /** Narrowest terminal that it is for. */
  readonly from: number;
  /** Characters of `2026-08-01 12:02:11` that are left out. */
  readonly skip: number;
  readonly event: number;
  /** 0: not shown. */
  readonly user: number;
  readonly address: number;
}

/** The widest first, which is also that of a pipe. The date's year goes first, then date and user. */
const LAYOUTS: readonly [Layout, ...Layout[]] = [
  { from: 100, skip: 0, event: 18, user: 12, address: 18 },
  { from: 80, skip: "2026-".length, event: 9, user: 8, address: 15 },
  { from: 0, skip: "2026-08-01 ".length, event: 9, user: 0, address: 15 },
];

const GAP = "  ";

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;

/** What is said about an event: who did it, and why. */
function whyOf({ by, reason }: EventView): string {
  return [by === null ? "" : `by ${by}`, reason ?? ""]
    .filter((text) => text !== "")
    .map(printable)
    .join(": ");
}

/**
 * One event in columns of fixed width, so that a growing list stays aligned. It fits the terminal: on a narrow one the
 * columns are narrower, and what was said about the event goes onto a second line where it does not fit into the first.
 */
export function eventLine(
  event: EventView,
  terminal: Terminal | undefined,
  zone: string | undefined,
): string {
  const style = styleFor(terminal);
  const columns = terminal?.columns ?? Number.POSITIVE_INFINITY;
  const layout = LAYOUTS.find(({ from }) => columns >= from) ?? LAYOUTS[0];
  const cell = (text: string | null, width: number): string => printable(text ?? "-").padEnd(width);
  const cells: [string, Dress][] = [
    [clockText(event.at, zone).slice(layout.skip), style.faint],
    [cell(event.event, layout.event), tone(event.event, style)],
    ...(layout.user === 0 ? [] : [[cell(event.user, layout.user), bare] as [string, Dress]]),
    [cell(event.address, layout.address), style.strong],
  ];
  const used = cells.reduce((sum, [text]) => sum + text.length + GAP.length, 0);
  const line = cells.map(([text, dress]) => dress(text)).join(GAP);
  const why = whyOf(event);
  if (used + why.length <= columns) return `${line}${GAP}${why}`.trimEnd();
  const indent = (cells[0]?.[0].length ?? 0) + GAP.length;
  return `${line.trimEnd()}\n${" ".repeat(indent)}${cut(why, columns - indent)}`;
}
