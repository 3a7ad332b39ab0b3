import { createHash } from "node:crypto";
import { accept, type Checked, refuse } from "./checked.ts";
import { decodePublicKey, encodePublicKey, type PublicKey } from "./public-key.ts";
import { KEY_REFUSALS, type SshRefusal } from "./refusals.ts";
import { decodeSignature, encodeSignature, type Signature } from "./signature.ts";
import { WireReader, wireString, wireUint32 } from "./wire.ts";

/** What our signatures are for: a signature made for git or for a file opens no door. */
export const NAMESPACE = "knock@knockline";

const MAGIC = "SSHSIG";
const VERSION = 1;

/** A signature as `ssh-keygen -Y sign` makes it (OpenSSH's PROTOCOL.sshsig), of version 1 and for our namespace. */
export interface Sshsig {
  readonly publicKey: PublicKey;
  /** The bytes of `publicKey`: what a known key is recognised by. */
  readonly keyBlob: Buffer;
  /** The message is hashed with this before it is signed. */
  readonly hash: "sha256" | "sha512";
  readonly signature: Signature;
}

/** Reads the blob between the armour's lines, base64 already undone. Nothing may follow it, and nothing in it may be spelt otherwise. */
export function decodeSshsig(blob: Buffer): Checked<Sshsig, SshRefusal> {
  const reader = new WireReader(blob);
  const magic = reader.bytes(MAGIC.length).toString("latin1");
  const version = reader.uint32();
  if (magic !== MAGIC || version !== VERSION) return malformed(`not ${MAGIC} version ${VERSION}`);
  const keyBlob = reader.string();
  const namespace = reader.name();
  const reserved = reader.string();
  const hash = reader.name();
  const signatureBytes = reader.string();
  if (!reader.isWhole) return malformed("bytes are missing or left over");
  const publicKey = decodePublicKey(keyBlob);
  if (!publicKey.ok) return refuseKey(publicKey.reason);
  if (namespace !== NAMESPACE) return refuse("ssh_namespace");
  if (reserved.length > 0) return malformed("its reserved field is not empty");
  if (hash !== "sha256" && hash !== "sha512") return malformed("its hash is neither sha256 nor sha512");
  const signature = decodeSignature(signatureBytes, publicKey.value.type);
  if (!signature.ok) return signature;
  return accept({ publicKey: publicKey.value, keyBlob, hash, signature: signature.value });
}

/** @returns the blob that `decodeSshsig` made this from, byte for byte */
export function encodeSshsig({ publicKey, hash, signature }: Sshsig): Buffer {
  return Buffer.concat([
    Buffer.from(MAGIC, "latin1"),
    wireUint32(VERSION),
    wireString(encodePublicKey(publicKey)),
    wireString(NAMESPACE),
    wireString(""),
    wireString(hash),
    wireString(encodeSignature(signature, publicKey.type)),
  ]);
}

/** @returns the bytes that an SSHSIG of a message signs: PROTOCOL.sshsig section 3 */
export function signedData(message: Buffer, hash: Sshsig["hash"]): Buffer {
  return Buffer.concat([
    Buffer.from(MAGIC, "latin1"),
    wireString(NAMESPACE),
    wireString(""),
    wireString(hash),
    wireString(createHash(hash).update(message).digest()),
  ]);
}

const malformed = (detail: string) => refuse("ssh_signature_malformed", detail);

function refuseKey(reason: keyof typeof KEY_REFUSALS): Checked<never, SshRefusal> {
  return reason === "key_garbage"
    ? malformed("its public key is not well-formed")
    : refuse("ssh_key_refused", KEY_REFUSALS[reason]);
}
