import type { Edit, Place, PlaceState } from "../integrate/place.ts";
import type { Terminal } from "../world.ts";
import { printable, styleFor } from "./style.ts";

const WORDS: Record<PlaceState, string> = {
  right: "ok",
  missing: "missing",
  doubled: "doubled",
  late: "too late, behind the rule for established connections",
};

/** Where the accept-mark rule belongs, and how it stands there: a place a line. */
export function renderPlaces(places: readonly Place[], terminal: Terminal | undefined): string {
  const style = styleFor(terminal);
  if (places.length === 0) return "no firewall of the host's own closes its input: nothing to integrate with";
  const width = Math.max(...places.map(({ where }) => where.length));
  return places
    .map(({ where, state }) => {
      const dress = state === "right" ? style.good : style.warning;
      return `${printable(where).padEnd(width)}  ${dress(WORDS[state])}`;
    })
    .join("\n");
}

/** What is changed: a command or a file a line. */
export function renderEdits(edits: readonly Edit[]): string {
  if (edits.length === 0) return "nothing to do";
  const line = (edit: Edit): string => {
    if (edit.do === "run") return edit.command.join(" ");
    return edit.text === undefined ? `remove ${edit.path}` : `write ${edit.path}`;
  };
  return edits.map((edit) => `  ${printable(line(edit))}`).join("\n");
}
