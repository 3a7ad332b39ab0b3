import { parseKeyLine, type SshKey } from "../../shared/ssh/key-line.ts";

// bounded: one entry a living user, MAX_KEYS keys each. A user is never changed, only replaced, so a parsed list holds
// as long as its user; parsing at every knock would cost 0.1 ms a key.
const parsed = new WeakMap<object, readonly SshKey[]>();

/** @returns the user's keys; a stored line that this version does not take any more is left out, and so opens nothing */
export function keysOf(user: { readonly sshKeys: readonly string[] }): readonly SshKey[] {
  const known = parsed.get(user);
  if (known !== undefined) return known;
  const keys = user.sshKeys.map(parseKeyLine).flatMap((key) => (key.ok ? [key.value] : []));
  parsed.set(user, keys);
  return keys;
}
