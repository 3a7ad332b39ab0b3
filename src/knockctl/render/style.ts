import { UNPRINTABLE } from "../../shared/log/unprintable.ts";

/** How text is dressed: by ANSI colours (ECMA-48 SGR), or not at all. */
export type Dress = (text: string) => string;

/** The few dresses we use, each with one meaning. */
export interface Style {
  readonly strong: Dress;
  readonly faint: Dress;
  readonly good: Dress;
  readonly warning: Dress;
  readonly bad: Dress;
}

const sgr =
  (on: number, off: number): Dress =>
  (text) =>
    text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;

const bare: Dress = (text) => text;

/** No colours: pipes, files, NO_COLOR. */
export const PLAIN: Style = { strong: bare, faint: bare, good: bare, warning: bare, bad: bare };

/** For terminals. */
export const COLOURED: Style = {
  strong: sgr(1, 22),
  faint: sgr(2, 22),
  good: sgr(32, 39),
  warning: sgr(33, 39),
  bad: sgr(31, 39),
};

/** @returns the style for a terminal, or for none. */
export function styleFor(terminal: { readonly colour: boolean } | undefined): Style {
  return terminal?.colour === true ? COLOURED : PLAIN;
}

/** Control characters as `?`: nothing that came from outside may move the cursor or change colours. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "?");
}
