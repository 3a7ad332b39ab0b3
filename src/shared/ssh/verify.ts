import { createHash, verify } from "node:crypto";
import type { SshKey } from "./key-line.ts";
import type { SshRefusal } from "./refusals.ts";
import { type Sshsig, signedData } from "./sshsig.ts";
import { wireUint32 } from "./wire.ts";

/** Bits of a security key's flags (CTAP 2, section 6.1): touched; PIN or fingerprint given. */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/**
 * Verifies that this key signed the message. A security key must have been touched as well: ssh-keygen itself does
 * not insist on that.
 * @param key the known key; must be the one that the SSHSIG names
 * @returns why not; undefined when it did
 */
export function faultOfSignature(sshsig: Sshsig, key: SshKey, message: Buffer): SshRefusal | undefined {
  const { type, application } = key.publicKey;
  const { algorithm, raw, touch } = sshsig.signature;
  const inner = signedData(message, sshsig.hash);
  const data =
    touch === null
      ? inner
      : Buffer.concat([
          sha256(application),
          Buffer.from([touch.flags]),
          wireUint32(touch.counter),
          sha256(inner),
        ]);
  const hash = type.algorithms[algorithm];
  const isSigned =
    hash !== undefined && verify(hash, data, { key: key.object, dsaEncoding: "ieee-p1363" }, raw);
  if (!isSigned) return "ssh_signature_wrong";
  if (touch === null) return undefined;
  if ((touch.flags & USER_PRESENT) === 0) return "ssh_untouched";
  return key.verifyRequired && (touch.flags & USER_VERIFIED) === 0 ? "ssh_unverified" : undefined;
}

const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();
