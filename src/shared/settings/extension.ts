/**
 * @returns true for what users may be told to dial: it goes into Asterisk's dialplan, where a leading `_` would make it a
 *   pattern that takes other calls too, and into the clients, which show it
 */
export function isExtension(text: string): boolean {
  return /^[A-Za-z0-9*#+.-][A-Za-z0-9*#+._-]{0,31}$/.test(text);
}
