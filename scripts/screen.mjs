// @ts-check
// What start and demo print with.

/**
 * Styles for a stream: plain text when it is no terminal, or when NO_COLOR is set (no-color.org).
 * @param {NodeJS.WriteStream} stream
 */
export function styled(stream) {
  const on = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const style = (/** @type {number} */ code) => (/** @type {string} */ text) =>
    on ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { bold: style(1), dim: style(2), red: style(31), green: style(32), cyan: style(36), colour: on };
}
