// The SSH wire format and SSHSIG, written a second time: the vectors must not agree with the verifier by sharing its code.
import { createHash } from "node:crypto";

export const NAMESPACE = "knock@knockline";

export const u32 = (n) => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);

export const string = (content) => Buffer.concat([u32(Buffer.from(content).length), Buffer.from(content)]);

export const concat = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/** An mpint above zero of a big-endian number. */
export function mpint(bytes) {
  let digits = Buffer.from(bytes);
  while (digits[0] === 0) digits = digits.subarray(1);
  return string(digits[0] >= 0x80 ? concat([0], digits) : digits);
}

/** The strings that a blob consists of, after `skip` bytes. */
export function strings(blob, skip = 0) {
  const found = [];
  for (let at = skip; at + 4 <= blob.length; ) {
    const length = blob.readUInt32BE(at);
    found.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

export const sshsig = ({
  magic = "SSHSIG",
  version = 1,
  key,
  namespace = NAMESPACE,
  reserved = "",
  hash = "sha512",
  signature,
  tail = "",
}) =>
  concat(
    magic,
    u32(version),
    string(key),
    string(namespace),
    string(reserved),
    string(hash),
    string(signature),
    tail,
  );

/** What an SSHSIG signs. */
export const signedData = (message, { namespace = NAMESPACE, reserved = "", hash = "sha512" } = {}) =>
  concat(
    "SSHSIG",
    string(namespace),
    string(reserved),
    string(hash),
    string(createHash(hash).update(message).digest()),
  );
