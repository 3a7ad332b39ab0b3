import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Vault } from "../vault.ts";

/** scrypt's cost: 16 MiB and some 50 ms for each try (RFC 7914). */
const COST = { N: 16_384, r: 8, p: 1 } as const;
const NONCE = 12;
const TAG = 16;

/**
 * Opens the vault under the instance's secret.
 * @param path the secret file, at least 32 bytes
 * @throws the system's error when it cannot be read; Error when it is too short
 */
export async function openVault(path: string): Promise<Vault> {
  const secret = await readFile(path);
  if (secret.length < 32) throw new Error(`${path} holds less than 32 bytes`);
  return vaultUnder(secret);
}

/** The vault under a key: one derived key for each purpose (HKDF, RFC 5869). */
export function vaultUnder(secret: Buffer): Vault {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), `knockline ${purpose}`, 32));
  const [pinKey, sealKey] = [derive("pin"), derive("seal")];
  return {
    fingerprint: async (pin) =>
      createHmac("sha256", pinKey)
        .update(await stretch(pin, pinKey))
        .digest("hex"),
    seal: (text) => {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv("aes-256-gcm", sealKey, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64");
    },
    unseal: (sealed) => {
      const bytes = Buffer.from(sealed, "base64");
      const decipher = createDecipheriv("aes-256-gcm", sealKey, bytes.subarray(0, NONCE));
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString("utf8");
    },
  };
}

function stretch(pin: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, 32, COST, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
