import { formatDuration, seconds } from "../../shared/duration.ts";
import type { AllowLookupView, AllowView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { printable, type Style, styleFor } from "./style.ts";
import { type Cell, pairs, table } from "./table.ts";

/** Addresses of a name that a table shows; the rest are counted. */
const SHOWN = 2;

const services = ({ services: names }: AllowView): string => (names.length === 0 ? "all" : names.join(","));

/** What a name stands for; an address or a network stands for itself. */
function addresses({ kind, addresses: list }: AllowView): string {
  if (kind !== "name") return "";
  if (list.length === 0) return "none yet";
  const more = list.length > SHOWN ? ` +${list.length - SHOWN}` : "";
  return list.slice(0, SHOWN).join(" ") + more;
}

/** How old a name's addresses are, and why they are not newer. */
function age(entry: AllowView, style: Style): Cell {
  if (entry.kind !== "name") return { text: "" };
  const text = entry.age === null ? "never" : formatDuration(seconds(entry.age));
  if (entry.failing === null) return { text, dress: style.good };
  return {
    text: `${text} (${entry.failing.why})`,
    dress: entry.addresses.length === 0 ? style.bad : style.warning,
  };
}

const ends = ({ left }: AllowView): string => (left === null ? "" : formatDuration(seconds(left)));

/** The allowlist as a table, oldest entry first. */
export function renderAllowlist(entries: readonly AllowView[], terminal: Terminal | undefined): string {
  if (entries.length === 0)
    return "nobody is on the allowlist\nto let somebody in for good: knockctl allow add sip.example.com --services sip,rtp";
  const style = styleFor(terminal);
  const has = (one: (entry: AllowView) => unknown): boolean => entries.some(one);
  return table(
    [
      { title: "ALLOWED", cell: ({ what }: AllowView) => ({ text: what, dress: style.strong }) },
      ...(has(({ kind }) => kind === "name")
        ? [
            { title: "ADDRESSES", cell: addresses, spare: 3 },
            { title: "CONFIRMED", cell: (entry: AllowView) => age(entry, style) },
          ]
        : []),
      { title: "SERVICES", cell: services, spare: 1 },
      ...(has(({ left }) => left !== null) ? [{ title: "LEFT", cell: ends, spare: 2 }] : []),
      ...(has(({ note }) => note !== null)
        ? [{ title: "NOTE", cell: ({ note }: AllowView) => note ?? "", spare: 4 }]
        : []),
    ],
    entries,
    style,
    terminal?.columns ?? Number.POSITIVE_INFINITY,
  );
}

/** One entry in one line: what `allow add` and `allow remove` answer. */
export function allowLine(entry: AllowView): string {
  const stands = entry.kind === "name" ? ` (${entry.addresses.join(", ") || "no address yet"})` : "";
  const until = entry.left === null ? "" : `, ${formatDuration(seconds(entry.left))} left`;
  return printable(
    `${entry.what}${stands} for ${entry.services.length === 0 ? "all services" : services(entry)}${until}`,
  );
}

/** What lets an address in, and what it is called. */
export function renderLookup(found: AllowLookupView, terminal: Terminal | undefined): string {
  const style = styleFor(terminal);
  const entries = found.entries.map((entry) => ["let in by", allowLine(entry)] as const);
  return pairs(
    [
      ["address", { text: found.address, dress: style.strong }],
      ["name", found.reverse.join(", ") || "none in DNS"],
      ...(entries.length === 0
        ? [["let in by", { text: "no entry", dress: style.warning }] as const]
        : entries),
    ],
    style,
  );
}
