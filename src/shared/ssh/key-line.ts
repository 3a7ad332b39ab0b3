import type { KeyObject } from "node:crypto";
import { accept, type Checked, refuse } from "./checked.ts";
import { keyTypeOf } from "./key-types.ts";
import { decodePublicKey, fingerprint, importKey, type PublicKey } from "./public-key.ts";
import { KEY_REFUSALS, type KeyRefusal } from "./refusals.ts";

/** How many keys one user may have: a knock names its key by the whole blob, so each costs a comparison. */
export const MAX_KEYS = 16;

/** Longer than any line we take, with room for its comment. Characters. */
const MAX_LINE = 2_048;

/** Comments are for people; more than this is cut. Characters. */
const MAX_COMMENT = 64;

/** A key that may sign a user's knocks. */
export interface SshKey {
  readonly publicKey: PublicKey;
  /** The key on the wire; an SSHSIG names its key by these bytes. */
  readonly blob: Buffer;
  /** For node:crypto's `verify`. */
  readonly object: KeyObject;
  /** The line says `verify-required`: a touch is not enough, PIN or fingerprint must have been given. */
  readonly verifyRequired: boolean;
  /** `SHA256:...` */
  readonly fingerprint: string;
  /** The whole again as a line, for the store: `[verify-required ]TYPE BASE64[ COMMENT]`. */
  readonly line: string;
}

/** A line of a file of keys that was not taken. */
export interface RefusedLine {
  /** Counted from 1. */
  readonly number: number;
  readonly reason: KeyRefusal;
}

/**
 * Reads a file of keys, as `authorized_keys` or a `.pub` file is written: blank lines and comments are passed over.
 * @returns the keys, each once, and what was not taken
 */
export function parseKeyFile(text: string): { keys: SshKey[]; refused: RefusedLine[] } {
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text))
    return { keys: [], refused: [{ number: 1, reason: "key_private" }] };
  const keys = new Map<string, SshKey>(); // bounded: MAX_KEYS, by fingerprint
  const refused: RefusedLine[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return;
    const key = parseKeyLine(line);
    if (!key.ok) refused.push({ number: index + 1, reason: key.reason });
    else if (keys.size === MAX_KEYS) refused.push({ number: index + 1, reason: "key_too_many" });
    else keys.set(key.value.fingerprint, key.value);
  });
  return { keys: [...keys.values()], refused };
}

/**
 * Reads one line of sshd(8)'s AUTHORIZED_KEYS format. Of the options only `verify-required` is taken, and only for
 * security keys. `no-touch-required` is not: a touch is always demanded, so such a key would never open anything. The
 * rest limits what a key may do at this server (`from`, `expiry-time`, `command`, `restrict` ...); to ignore it would
 * give a key more than its owner meant.
 */
export function parseKeyLine(line: string): Checked<SshKey, KeyRefusal> {
  const words = line.length > MAX_LINE ? [] : line.trim().split(/[ \t]+/);
  const hasOption = words[0]?.toLowerCase() === "verify-required";
  const [name = "", base64 = "", ...comment] = hasOption ? words.slice(1) : words;
  const type = keyTypeOf(name);
  if (typeof type === "string") return refuse(type === "key_type" ? unknownType(words) : type);
  const blob = Buffer.from(base64, "base64");
  const decoded = decodePublicKey(blob);
  if (!decoded.ok) return decoded;
  const publicKey = decoded.value;
  if (publicKey.type !== type || blob.toString("base64") !== base64) return refuse("key_garbage");
  if (hasOption && !type.isHardware) return refuse("key_option");
  const object = importKey(publicKey);
  if (object === undefined) return refuse("key_garbage");
  const remark = comment
    .join(" ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, MAX_COMMENT)
    .trimEnd(); // the cut may have left a blank
  const parts = [hasOption ? "verify-required" : "", name, base64, remark];
  return accept({
    publicKey,
    blob,
    object,
    verifyRequired: hasOption,
    fingerprint: fingerprint(blob),
    line: parts.filter((part) => part !== "").join(" "),
  });
}

/**
 * Tells a key to a person, without the cost of taking it in.
 * @param line of an SshKey
 * @returns `SHA256:...`
 */
export function fingerprintOfLine(line: string): string {
  const words = line.split(" ");
  return fingerprint(Buffer.from(words[words[0] === "verify-required" ? 2 : 1] ?? "", "base64"));
}

/** A first word that is no type: options, where a type that somebody knows comes later in the line; else garbage or a type we do not know. */
function unknownType(words: readonly string[]): KeyRefusal {
  const isType = (word: string): boolean => /^[a-z0-9-]+(@[a-z0-9.-]+)?$/.test(word);
  const isKey = (word: string | undefined): boolean =>
    word !== undefined && /^AAAA[A-Za-z0-9+/]+=*$/.test(word);
  const at = words.findIndex((word, i) => isType(word) && isKey(words[i + 1]));
  if (at < 0) return "key_garbage";
  return at === 0 ? "key_type" : "key_option";
}

/** Writes a refusal of a line for a person. */
export function describeRefusal({ number, reason }: RefusedLine): string {
  return `line ${number}: ${KEY_REFUSALS[reason]}`;
}
