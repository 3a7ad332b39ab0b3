import { accept, type Checked, refuse } from "./checked.ts";
import type { KeyType } from "./key-types.ts";
import type { SshRefusal } from "./refusals.ts";
import { WireReader, wireMpint, wireString, wireUint32 } from "./wire.ts";

/** What a security key says of the moment it signed; the signature covers it (PROTOCOL.u2f). */
export interface Touch {
  /** Bit 0: somebody touched it; bit 2: and gave PIN or fingerprint. */
  readonly flags: number;
  /** How often it has signed, as it says itself; many keys always say 0. */
  readonly counter: number;
}

/** The innermost signature: the one over SSHSIG's data. */
export interface Signature {
  readonly algorithm: string;
  /** As node:crypto's `verify` takes it; ecdsa: r | s, each padded to the curve's size (IEEE P1363). */
  readonly raw: Buffer;
  /** Only of security keys. */
  readonly touch: Touch | null;
}

/** Reads a signature by a key of that type; nothing may follow it. Whether it fits anything is not looked at. */
export function decodeSignature(bytes: Buffer, type: KeyType): Checked<Signature, SshRefusal> {
  const reader = new WireReader(bytes);
  const algorithm = reader.name();
  if (!Object.hasOwn(type.algorithms, algorithm)) return refuse("ssh_algorithm", remarkOn(algorithm));
  const raw = rawOf(reader.string(), type);
  const touch = type.isHardware ? { flags: reader.byte(), counter: reader.uint32() } : null;
  return reader.isWhole && raw !== undefined
    ? accept({ algorithm, raw, touch })
    : refuse("ssh_signature_malformed", "its innermost part is not well-formed");
}

/** @returns the bytes that `decodeSignature` made this from */
export function encodeSignature({ algorithm, raw, touch }: Signature, { curve }: KeyType): Buffer {
  const inner =
    curve === undefined
      ? raw
      : Buffer.concat([wireMpint(raw.subarray(0, curve.size)), wireMpint(raw.subarray(curve.size))]);
  const tail = touch === null ? [] : [Buffer.from([touch.flags]), wireUint32(touch.counter)];
  return Buffer.concat([wireString(algorithm), wireString(inner), ...tail]);
}

/** RSA's length is that of the modulus, which `verify` demands: OpenSSH pads with zeros, so the length tells nothing apart. */
function rawOf(inner: Buffer, { family, curve }: KeyType): Buffer | undefined {
  if (curve !== undefined) return padded(inner, curve.size);
  return family === "ed25519" && inner.length !== 64 ? undefined : inner;
}

/** @returns r | s, each of `size` bytes; undefined when either is no number above zero of at most that size */
function padded(inner: Buffer, size: number): Buffer | undefined {
  const reader = new WireReader(inner);
  const numbers = [reader.positive(), reader.positive()];
  if (!reader.isWhole || numbers.some(({ length }) => length > size)) return undefined;
  return Buffer.concat(numbers.flatMap((number) => [Buffer.alloc(size - number.length), number]));
}

function remarkOn(algorithm: string): string | null {
  if (algorithm === "ssh-rsa") return "SHA-1 is broken: use OpenSSH 8.1 or newer, also as the agent";
  return algorithm.startsWith("webauthn-") ? "webauthn signatures are made by browsers" : null;
}
