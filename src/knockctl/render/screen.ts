/**
 * Cuts a table to a screen's height: the titles stay, and the newest rows, which are the last.
 * @param rows lines that the screen has
 */
export function fitHeight(text: string, rows: number): string {
  const lines = text.split("\n");
  if (lines.length <= rows) return text;
  const [titles = "", ...body] = lines;
  const room = Math.max(1, rows - 2);
  return [titles, `... ${body.length - room} more`, ...body.slice(-room)].slice(0, rows).join("\n");
}
