import { type Address, parseAddress } from "../address.ts";
import { type Duration, days, seconds } from "../duration.ts";
import { isUserName } from "../users/user.ts";
import { accept, type Checked, refuse } from "./checked.ts";
import type { SshRefusal } from "./refusals.ts";

/** More is no signed knock: one datagram must fit every path's packets. Bytes. */
export const MAX_DATAGRAM = 1_400;

const VERSION = "KL1";

/** What the last knock says: well-formed, and nothing more is known of it. */
export interface Datagram {
  readonly server: string;
  readonly user: string;
  /** When it was signed, by the laptop's clock. Unix seconds. */
  readonly time: number;
  /** 16 random bytes as 22 characters of base64url. */
  readonly nonce: string;
  /** The address to open for; null: the one that the datagram comes from. */
  readonly address: Address | null;
  /** How long to open; null: the user's usual. */
  readonly length: Duration | null;
  /** What the laptop shows for an approval by phone; null: nothing. */
  readonly code: string | null;
  /** The bytes that are signed: all before the last blank. */
  readonly message: Buffer;
  /** The SSHSIG blob, not yet looked into. */
  readonly sshsig: Buffer;
}

type Fields = Omit<Datagram, "message">;

/** How a field must be written: a reader that gives undefined for anything else, and what to tell a person then. */
type Field<T> = readonly [read: (text: string) => T | undefined, complaint: string];

/** The fields in the line's order; each value has one spelling. */
const FIELDS: { readonly [Name in keyof Fields]: Field<Fields[Name]> } = {
  server: [matching(/^[!-~]{1,64}$/), "the server is not 1 to 64 visible characters"],
  user: [(text) => (isUserName(text) ? text : undefined), "the user is no user's name"],
  time: [readTime, "the time is not whole seconds since 1970"],
  nonce: [matching(/^[A-Za-z0-9_-]{21}[AQgw]$/), "the nonce is not 16 bytes as 22 characters of base64url"],
  address: [optional(readAddress), "the address is neither - nor an address in its shortest form"],
  length: [optional(readLength), "the length is neither - nor 1 to 31622400 seconds"],
  code: [optional(matching(/^\d{4,8}$/)), "the code is neither - nor 4 to 8 digits"],
  sshsig: [readBase64, "the signature is not padded base64 on one line"],
};

/**
 * Reads `KL1 <server> <user> <unix seconds> <nonce> <address|-> <seconds|-> <code|-> <sig>`: docs/protocol.md. The
 * signature is not looked into.
 */
export function parseDatagram(payload: Buffer): Checked<Datagram, SshRefusal | "payload_too_long"> {
  if (payload.length > MAX_DATAGRAM) return refuse("payload_too_long");
  const line = payload.toString("latin1");
  if (line.includes("\n")) return malformed("it holds a newline: printf %s sends none");
  if (/[^ -~]/.test(line)) return malformed("it holds bytes that are not printable ASCII");
  const words = line.split(" ");
  if (words[0] !== VERSION) return malformed(`it does not begin with ${VERSION}`);
  if (words.length !== 9) return malformed("it has not nine fields with one blank between two");
  return parseFields(words, payload.subarray(0, line.lastIndexOf(" ")));
}

/** @returns the datagram's bytes: those that it was parsed from */
export function formatDatagram(datagram: Datagram): Buffer {
  const { server, user, time, nonce, address, length, code, sshsig } = datagram;
  const seconds = length === null ? "-" : length / 1000;
  const fields = [server, user, time, nonce, address ?? "-", seconds, code ?? "-"];
  return Buffer.from(`${VERSION} ${fields.join(" ")} ${sshsig.toString("base64")}`, "latin1");
}

function parseFields(words: readonly string[], message: Buffer): Checked<Datagram, SshRefusal> {
  const values: Record<string, unknown> = {};
  for (const [index, [name, [read, complaint]]] of Object.entries(FIELDS).entries()) {
    const value = read(words[index + 1] ?? "");
    if (value === undefined) return malformed(complaint);
    values[name] = value;
  }
  return accept({ ...(values as unknown as Fields), message });
}

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined);
}

function optional<T>(read: (text: string) => T | undefined): (text: string) => T | null | undefined {
  return (text) => (text === "-" ? null : read(text));
}

function readTime(text: string): number | undefined {
  return /^[1-9]\d{0,11}$/.test(text) ? Number(text) : undefined;
}

function readLength(text: string): Duration | undefined {
  const length = /^[1-9]\d{0,7}$/.test(text) ? seconds(Number(text)) : undefined;
  return length !== undefined && length <= days(366) ? length : undefined;
}

function readAddress(text: string): Address | undefined {
  const address = parseAddress(text);
  return address === text ? address : undefined;
}

/** Node's decoder takes anything; what is written back the same was written right. */
function readBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : undefined;
}

const malformed = (detail: string) => refuse("ssh_malformed", detail);
