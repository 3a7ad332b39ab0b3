import type { BackupContent } from "../backup/decode/content.ts";

/** What no backup holds, for people. */
export const NOT_HELD = [
  "not in it: what is open now, what waits for an approval, Asterisk's password (ari.secret), boot.nft",
  "without its passphrase it cannot be opened by anybody: keep that elsewhere",
];

/** What a backup holds, in its two forms. */
export interface Described {
  readonly json: object;
  readonly lines: readonly string[];
}

/** Says what a backup holds, without a secret. */
export function describeContent({ server, made, settings, records }: BackupContent): Described {
  const count = (prefix: string): number => records.filter(([key]) => key.startsWith(prefix)).length;
  const users = records.flatMap(([key]) => (key.startsWith("user/") ? [key.slice("user/".length)] : []));
  const events = count("history/");
  const allowed = count("allow/");
  const allowlist = `${allowed} ${allowed === 1 ? "entry" : "entries"} (a restore adds those that are not there)`;
  const lines = [
    `of ${server}, made at ${made}`,
    `users: ${users.length === 0 ? "none" : users.join(", ")} (ports, proofs, PINs and authenticators, SSH keys)`,
    `allowlist: ${allowed === 0 ? "empty" : allowlist}`,
    `also the secret key, what was used up or tried, ${events} events of the history`,
    `settings: ${settings === null ? "none" : "as they were, for reference (restore --settings prints them)"}`,
  ];
  return { json: { server, made, users, allowed, events, settings: settings !== null }, lines };
}
