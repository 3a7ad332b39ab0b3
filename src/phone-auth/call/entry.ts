import { LIMITS } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Takes one more key of an entry. Keys over the limit are dropped, which leaves an entry too long to be right. */
export function collect(turn: Turn, key: string): void {
  turn.interrupt();
  turn.set({ entry: (turn.state.entry + key).slice(0, LIMITS.entry), silences: 0 });
  turn.awaitKey("between_digits");
}

/** Forgets what was keyed of an entry and waits for it anew. */
export function startOver(turn: Turn): void {
  turn.interrupt();
  turn.set({ entry: "" });
  turn.awaitKey("first_digit");
}

/** What an entry at the menu means. */
export type Entry =
  | { readonly kind: "code"; readonly code: string }
  /** Four parts of 0 to 255; whether such an address may be opened is the gate's to say. */
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "nonsense" };

/** Reads an entry: a code of 4 to 8 digits, or an IPv4 address with stars for the dots, or in twelve digits. */
export function readEntry(keys: string): Entry {
  if (/^\d{4,8}$/.test(keys)) return { kind: "code", code: keys };
  const parts = /^\d{12}$/.test(keys)
    ? keys.match(/\d{3}/g)
    : /^\d{1,3}(\*\d{1,3}){3}$/.exec(keys)?.[0].split("*");
  const numbers = (parts ?? []).map(Number);
  if (numbers.length !== 4 || numbers.some((n) => n > 255)) return { kind: "nonsense" };
  return { kind: "address", address: numbers.join(".") };
}
