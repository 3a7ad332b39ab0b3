import { formatDuration, seconds } from "../../shared/duration.ts";
import type { GrantView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { type Dress, type Style, styleFor } from "./style.ts";
import { type Cell, type Column, table } from "./table.ts";

const BAR_CELLS = 10;

/** The share of a grant's time that is left, 0 to 1. */
function share({ left, length }: GrantView): number {
  return length <= 0 ? 0 : Math.min(1, Math.max(0, left / length));
}

/** Green, yellow under a quarter, red under a tenth. */
function urgency(grant: GrantView, style: Style): Dress {
  if (share(grant) < 0.1) return style.bad;
  return share(grant) < 0.25 ? style.warning : style.good;
}

/** Ten cells; as long as anything is left, one of them is full. */
function bar(grant: GrantView): string {
  const full = grant.left <= 0 ? 0 : Math.max(1, Math.round(share(grant) * BAR_CELLS));
  return "█".repeat(full) + "░".repeat(BAR_CELLS - full);
}

const timeLeft = ({ left }: GrantView): string => formatDuration(seconds(left));

function left(grant: GrantView, style: Style, drawn: boolean): Cell {
  const text = drawn ? `${bar(grant)} ${timeLeft(grant)}` : timeLeft(grant);
  return { text, dress: urgency(grant, style) };
}

function openedBy({ by, proof }: GrantView): string {
  return proof === null || proof === "none" ? by : `${by} (${proof})`;
}

const newestLast = (grants: readonly GrantView[]): GrantView[] =>
  [...grants].sort((a, b) => a.since.localeCompare(b.since));

function columns(grants: readonly GrantView[], style: Style, drawn: boolean): Column<GrantView>[] {
  const note: Column<GrantView> = { title: "REASON", cell: ({ reason }) => reason ?? "", spare: 4 };
  return [
    { title: "ADDRESS", cell: ({ address }) => ({ text: address, dress: style.strong }) },
    { title: "USER", cell: ({ user }) => user ?? "-", spare: 1 },
    { title: "SERVICES", cell: ({ services }) => services.join(","), spare: 2 },
    { title: "OPENED BY", cell: openedBy, spare: 3 },
    { title: "LEFT", cell: (grant) => left(grant, style, drawn) },
    { title: "ID", cell: ({ id }) => ({ text: id, dress: style.faint }) },
    ...(grants.some(({ reason }) => reason !== undefined) ? [note] : []),
  ];
}

/** Live grants as a table, newest last; on a terminal with a bar of the time left. */
export function renderGrants(grants: readonly GrantView[], terminal: Terminal | undefined): string {
  if (grants.length === 0) {
    return "nothing is open\nto open: knock (knockctl user client NAME), or knockctl grant ADDRESS --ttl 1h";
  }
  const style = styleFor(terminal);
  const shown = columns(grants, style, terminal !== undefined);
  return table(shown, newestLast(grants), style, terminal?.columns ?? Number.POSITIVE_INFINITY);
}

/** One grant in one line: what `grant` and `extend` answer. */
export function grantLine(grant: GrantView): string {
  const whom = grant.user === null ? "" : ` for ${grant.user}`;
  return `${grant.address} may use ${grant.services.join(", ")}${whom}: ${timeLeft(grant)} left (${grant.id})`;
}
