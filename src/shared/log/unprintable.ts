/**
 * Characters that must not reach a terminal or a log as they are: C0 and C1 controls (ECMA-48), the separators that
 * some readers take for the end of a line, and those that turn the direction of what follows (UTR 36, section 3).
 */
export const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is named
  /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** @returns the text with every such character as `\u001b`, which is also how JSON escapes it */
export function escaped(text: string): string {
  return text.replace(UNPRINTABLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
