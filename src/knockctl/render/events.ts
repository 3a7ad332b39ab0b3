import type { EventView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { type Dress, printable, type Style, styleFor } from "./style.ts";
import { clockText } from "./time.ts";

/** How an event reads at a glance: something opened, something was refused, or just news. */
function tone(event: string, style: Style): Dress {
  if (["opened", "renewed", "extended", "approved"].includes(event)) return style.good;
  if (["denied", "refused", "pin-wrong", "pin-locked", "otp-wrong", "call-failed"].includes(event))
    return style.bad;
  return ["expired", "revoked", "displaced", "withdrawn", "asked"].includes(event)
    ? style.warning
    : (text) => text;
}

/** One event in one line, in columns of fixed width so that a growing list stays aligned. */
export function eventLine(
  event: EventView,
  terminal: Terminal | undefined,
  zone: string | undefined,
): string {
  const style = styleFor(terminal);
  const cell = (text: string | null, width: number): string => printable(text ?? "-").padEnd(width);
  const how = event.by === null ? "" : `by ${event.by}`;
  const why = [how, event.reason ?? ""]
    .filter((text) => text !== "")
    .map(printable)
    .join(": ");
  return [
    style.faint(clockText(event.at, zone)),
    tone(event.event, style)(cell(event.event, 18)),
    cell(event.user, 12),
    style.strong(cell(event.address, 18)),
    why,
  ]
    .join("  ")
    .trimEnd();
}
