import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { accept, type Checked, refuse } from "./checked.ts";
import { type KeyType, keyTypeOf } from "./key-types.ts";
import type { KeyRefusal } from "./refusals.ts";
import { WireReader, wireMpint, wireString } from "./wire.ts";

/** RSA moduli that are taken, bits: less is weak (NIST SP 800-131A), more does not fit the datagram. */
const RSA_BITS = { least: 2048, most: 3072 };

/** RSA exponents, odd: 1 would sign everything, and one of four bytes is as long as any program makes. */
const RSA_EXPONENT = { least: 3, most: 0xffff_ffff };

/** A public key as it stands on the wire; not yet known to be a point of its curve. */
export interface PublicKey {
  readonly type: KeyType;
  /** ed25519: the point; ecdsa: 4 | x | y; rsa: the modulus, without leading zeros. */
  readonly point: Buffer;
  /** rsa: the exponent, without leading zeros; else empty. */
  readonly exponent: Buffer;
  /** Security keys: what the key was registered for, mostly `ssh:`; else empty. */
  readonly application: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** Reads a public key blob (RFC 4253 section 6.6, RFC 5656, RFC 8709, PROTOCOL.u2f); nothing may follow it. */
export function decodePublicKey(blob: Buffer): Checked<PublicKey, KeyRefusal> {
  const reader = new WireReader(blob);
  const type = keyTypeOf(reader.name());
  if (typeof type === "string") return refuse(type);
  const curve = type.family === "ecdsa" ? reader.name() : undefined;
  const exponent = type.family === "rsa" ? reader.positive() : NOTHING;
  const point = type.family === "rsa" ? reader.positive() : reader.string();
  const application = type.isHardware ? reader.string() : NOTHING;
  const isSound = reader.isWhole && curve === type.curve?.name && isPoint(type, point);
  if (!isSound) return refuse("key_garbage");
  const key = { type, point, exponent, application };
  const weakness = type.family === "rsa" ? faultOfRsa(key) : undefined;
  return weakness === undefined ? accept(key) : refuse(weakness);
}

/** @returns the key's blob: the bytes it was decoded from */
export function encodePublicKey({ type, point, exponent, application }: PublicKey): Buffer {
  return Buffer.concat([
    wireString(type.name),
    ...(type.curve === undefined ? [] : [wireString(type.curve.name)]),
    ...(type.family === "rsa" ? [wireMpint(exponent), wireMpint(point)] : [wireString(point)]),
    ...(type.isHardware ? [wireString(application)] : []),
  ]);
}

/** @returns the key as node:crypto takes it; undefined when its point is not on its curve */
export function importKey({ type, point, exponent }: PublicKey): KeyObject | undefined {
  const size = type.curve?.size ?? 0;
  const jwk = {
    ed25519: { kty: "OKP", crv: "Ed25519", x: base64url(point) },
    ecdsa: {
      kty: "EC",
      crv: type.curve?.jwk,
      x: base64url(point.subarray(1, 1 + size)),
      y: base64url(point.subarray(1 + size)),
    },
    rsa: { kty: "RSA", n: base64url(point), e: base64url(exponent) },
  }[type.family];
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return undefined;
  }
}

/** @returns `SHA256:...` as ssh-keygen -l prints it */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** An uncompressed point begins with 4 (SEC 1 section 2.3.3); RSA's modulus is weighed by `faultOfRsa`. */
function isPoint({ family, curve }: KeyType, point: Buffer): boolean {
  if (family === "rsa") return true;
  return curve === undefined ? point.length === 32 : point.length === 1 + 2 * curve.size && point[0] === 4;
}

function faultOfRsa({ point: modulus, exponent }: PublicKey): KeyRefusal | undefined {
  const bits = bitsOf(modulus);
  if (bits < RSA_BITS.least) return "key_rsa_short";
  if (bits > RSA_BITS.most) return "key_rsa_long";
  const e = exponent.length > 4 ? 0 : exponent.readUIntBE(0, exponent.length);
  const isSound = e >= RSA_EXPONENT.least && e <= RSA_EXPONENT.most && e % 2 === 1;
  return isSound ? undefined : "key_garbage";
}

/** @returns the length of a number without leading zero bytes, bits */
function bitsOf(magnitude: Buffer): number {
  return 8 * magnitude.length - Math.clz32(magnitude[0] ?? 0) + 24;
}

const base64url = (bytes: Buffer): string => bytes.toString("base64url");
