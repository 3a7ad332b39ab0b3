import { createCipheriv, createDecipheriv, createHmac, scryptSync, timingSafeEqual } from "node:crypto";
import { misused } from "../failure.ts";
import { damagedBackup } from "./damaged.ts";

/** What scrypt (RFC 7914) costs: N = 2^logN rounds, 128 * N * r bytes. */
export interface Cost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about half a second for each guess. */
export const COST: Cost = { logN: 17, r: 8, p: 1 };
/** The most that a file may ask of us: 512 MiB. */
const MOST_MEMORY = 512 << 20;

/** Fresh randomness of one envelope. */
export interface Salt {
  /** 16 bytes. */
  readonly salt: Buffer;
  /** 12 bytes. */
  readonly nonce: Buffer;
}

const MAGIC = "knockline backup";
const VERSION = 1;
const TAG = 16;
const LINES = 4;

interface Header {
  readonly cost: Cost;
  readonly salt: Buffer;
  readonly nonce: Buffer;
  readonly mac: Buffer;
  /** The lines that the mac covers. */
  readonly signed: string;
  /** All lines: what the body is bound to. */
  readonly text: string;
}

/**
 * Locks bytes under a passphrase: four lines of header (version, scrypt's cost and salt, the nonce, an HMAC over these
 * three), then AES-256-GCM with the header as associated data. The HMAC tells a wrong passphrase from a damaged file.
 */
export function lock(plain: Buffer, passphrase: string, { salt, nonce }: Salt, cost: Cost = COST): Buffer {
  const keys = deriveKeys(passphrase, salt, cost);
  const signed = [
    `${MAGIC} ${VERSION}`,
    `scrypt ${cost.logN} ${cost.r} ${cost.p} ${salt.toString("base64")}`,
    `aes-256-gcm ${nonce.toString("base64")}`,
    "",
  ].join("\n");
  const text = `${signed}hmac-sha256 ${macOf(signed, keys.mac).toString("base64")}\n`;
  const cipher = createCipheriv("aes-256-gcm", keys.body, nonce).setAAD(Buffer.from(text));
  return Buffer.concat([Buffer.from(text), cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `lock` made. @throws Failure for a wrong passphrase, a damaged file, a newer version, or no backup */
export function unlock(file: Buffer, passphrase: string): Buffer {
  const header = readHeader(file);
  const keys = deriveKeys(passphrase, header.salt, header.cost);
  if (!timingSafeEqual(macOf(header.signed, keys.mac), header.mac))
    throw misused("this is not the passphrase of that backup", "nothing was changed; try again");
  const body = file.subarray(Buffer.byteLength(header.text));
  if (body.length < TAG) throw damagedBackup("it was cut off");
  const decipher = createDecipheriv("aes-256-gcm", keys.body, header.nonce, { authTagLength: TAG })
    .setAAD(Buffer.from(header.text))
    .setAuthTag(body.subarray(-TAG));
  try {
    return Buffer.concat([decipher.update(body.subarray(0, -TAG)), decipher.final()]);
  } catch {
    throw damagedBackup("it was changed or cut off");
  }
}

function readHeader(file: Buffer): Header {
  // bounded: an honest header has some 200 bytes
  const lines = file.subarray(0, 512).toString("latin1").split("\n").slice(0, LINES);
  const [first = "", second = "", third = "", fourth = ""] = lines;
  const version = /^knockline backup (\d{1,4})$/.exec(first)?.[1];
  if (version === undefined)
    throw misused("this is no backup of knockline", "name the file that was written");
  if (Number(version) !== VERSION)
    throw misused(
      `the backup has version ${version}, this program knows ${VERSION}`,
      "restore it with a newer knockline; nothing was changed",
    );
  const kdf = /^scrypt (\d{1,2}) (\d{1,2}) (\d{1,2}) ([A-Za-z0-9+/]{22}==)$/.exec(second);
  const nonce = /^aes-256-gcm ([A-Za-z0-9+/]{16})$/.exec(third)?.[1];
  const mac = /^hmac-sha256 ([A-Za-z0-9+/]{43}=)$/.exec(fourth)?.[1];
  const [logN = 0, r = 0, p = 0] = (kdf ?? []).slice(1, 4).map(Number);
  if (kdf === null || nonce === undefined || mac === undefined || !isBearable({ logN, r, p }))
    throw damagedBackup("its header does not make sense");
  return {
    cost: { logN, r, p },
    salt: Buffer.from(kdf[4] ?? "", "base64"),
    nonce: Buffer.from(nonce, "base64"),
    mac: Buffer.from(mac, "base64"),
    signed: lines.slice(0, 3).join("\n").concat("\n"),
    text: lines.join("\n").concat("\n"),
  };
}

/** A header is read before anybody has proved anything: it must not make us work for hours or take all memory. */
function isBearable({ logN, r, p }: Cost): boolean {
  return logN >= 1 && logN <= 22 && r >= 1 && p >= 1 && p <= 4 && 128 * 2 ** logN * r <= MOST_MEMORY;
}

function deriveKeys(passphrase: string, salt: Buffer, { logN, r, p }: Cost): { body: Buffer; mac: Buffer } {
  // one way to write each letter: a terminal and a file may compose an umlaut differently
  const secret = Buffer.from(passphrase.normalize("NFC"));
  const both = scryptSync(secret, salt, 64, { N: 2 ** logN, r, p, maxmem: 2 * MOST_MEMORY });
  return { body: both.subarray(0, 32), mac: both.subarray(32) };
}

const macOf = (text: string, key: Buffer): Buffer => createHmac("sha256", key).update(text).digest();
