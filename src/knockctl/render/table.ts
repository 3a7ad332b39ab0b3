import { type Dress, printable, type Style } from "./style.ts";

/** One cell: its text, and how it is dressed once its width is known. */
export interface Cell {
  readonly text: string;
  readonly dress?: Dress;
}

/** One column of a table of T. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Cell | string;
  readonly align?: "right";
  /** Columns with the highest number go first when the terminal is narrow; without one it always stays. */
  readonly spare?: number;
}

const GAP = "  ";

const cellOf = (cell: Cell | string): Cell => (typeof cell === "string" ? { text: cell } : cell);

interface Laid {
  readonly title: string;
  readonly cells: readonly Cell[];
  readonly width: number;
  readonly right: boolean;
  readonly spare: number;
}

function lay<T>(column: Column<T>, rows: readonly T[]): Laid {
  const cells = rows
    .map((row) => cellOf(column.cell(row)))
    .map((cell) => ({ ...cell, text: printable(cell.text) }));
  const width = Math.max(column.title.length, ...cells.map(({ text }) => text.length));
  return { title: column.title, cells, width, right: column.align === "right", spare: column.spare ?? 0 };
}

const widthOf = (columns: readonly Laid[]): number =>
  columns.reduce((sum, { width }) => sum + width, GAP.length * (columns.length - 1));

/** Leaves out spare columns, the most spare first, until the rest fits. */
function narrowed(columns: readonly Laid[], limit: number): readonly Laid[] {
  if (widthOf(columns) <= limit) return columns;
  const most = Math.max(...columns.map(({ spare }) => spare));
  return most === 0
    ? columns
    : narrowed(
        columns.filter(({ spare }) => spare !== most),
        limit,
      );
}

function line(cells: readonly Cell[], columns: readonly Laid[]): string {
  const padded = columns.map(({ width, right }, i) => {
    const { text, dress = (bare: string) => bare } = cells[i] ?? { text: "" };
    const room = " ".repeat(width - text.length);
    if (right) return room + dress(text);
    return i === columns.length - 1 ? dress(text) : dress(text) + room;
  });
  return padded.join(GAP).trimEnd();
}

/**
 * Draws rows under a line of titles, columns aligned.
 * @param limit the terminal's width; Infinity when there is none
 */
export function table<T>(all: readonly Column<T>[], rows: readonly T[], style: Style, limit: number): string {
  const columns = narrowed(
    all.map((column) => lay(column, rows)),
    limit,
  );
  const head = columns.map(({ title }) => ({ text: title, dress: style.faint }));
  const body = rows.map((_, i) => columns.map(({ cells }) => cells[i] ?? { text: "" }));
  return [head, ...body].map((cells) => line(cells, columns)).join("\n");
}

/** Draws names and values, a pair a line; pairs without a value are left out. */
export function pairs(list: readonly (readonly [string, Cell | string | undefined])[], style: Style): string {
  const width = Math.max(...list.map(([name]) => name.length));
  return list
    .flatMap(([name, value]) => (value === undefined ? [] : [{ name, ...cellOf(value) }]))
    .map(
      ({ name, text, dress = (bare: string) => bare }) =>
        `${style.faint(name.padEnd(width))}${GAP}${dress(printable(text))}`,
    )
    .join("\n");
}
