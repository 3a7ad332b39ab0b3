/** A label of a host name: letters, digits, inner hyphens (RFC 952, RFC 1123), and `_` as some providers have it. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/**
 * Parses a DNS name as the allowlist takes it: at least two labels, so that no search domain decides what is meant,
 * and a last one with a letter, so that a mistyped address is never looked up.
 * @returns it in small letters without a closing dot; undefined for anything else, also a name not in ASCII
 */
export function parseName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  if (name.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label))) return undefined;
  return /^(?=.*[a-z])[a-z0-9-]+$/.test(labels.at(-1) ?? "") ? name : undefined;
}
