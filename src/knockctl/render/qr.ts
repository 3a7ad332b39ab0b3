import { renderUnicodeCompact } from "uqr";
import type { Terminal } from "../world.ts";

/** Blank modules around the code: two are enough for every reader that was tried, four would be ISO 18004's. */
const BORDER = 2;
/** White on black whatever the terminal's own colours are: a code of the wrong polarity is not read by all. */
const PAINT = "\x1b[97;40m";
const PLAIN = "\x1b[0m";

/**
 * Draws a QR code in half blocks, two modules a character.
 * @returns its lines; undefined where the terminal is too narrow for them
 */
export function qrCode(text: string, terminal: Terminal): string | undefined {
  const lines = renderUnicodeCompact(text, { border: BORDER }).split("\n");
  if (lines.some((line) => line.length > terminal.columns)) return undefined;
  return (terminal.colour ? lines.map((line) => `${PAINT}${line}${PLAIN}`) : lines).join("\n");
}
