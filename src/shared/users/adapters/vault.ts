import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt } from "node:crypto";
import { readFile, rename } from "node:fs/promises";
import type { Vault } from "../vault.ts";

/** scrypt's cost: 16 MiB and some 50 ms for each try (RFC 7914). */
const COST = { N: 16_384, r: 8, p: 1 } as const;
const NONCE = 12;
const TAG = 16;

/** Where a restore puts the secret of a backup until the store is restored: then it takes the old one's place. */
export const stagedSecret = (path: string): string => `${path}.restored`;

/**
 * Reads the instance's secret. A restore that was cut off between the store and the secret left the right one beside it:
 * the store says which one that is.
 * @param path the secret file, at least 32 bytes
 * @param id under which secret the store's secrets are sealed; undefined when no backup was ever restored
 * @throws the system's error when it cannot be read; Error when it is too short
 */
export async function readSecretFile(path: string, id?: string): Promise<Buffer> {
  const secret = await readFile(path);
  if (secret.length < 32) throw new Error(`${path} holds less than 32 bytes`);
  if (id === undefined || idOf(secret) === id) return secret;
  const staged = await readFile(stagedSecret(path)).catch(() => undefined);
  if (staged === undefined || idOf(staged) !== id) return secret;
  // whoever may not rename it uses it where it is
  await rename(stagedSecret(path), path).catch(() => undefined);
  return staged;
}

/** Opens the vault under the instance's secret. @throws as readSecretFile */
export async function openVault(path: string, id?: string): Promise<Vault> {
  return vaultUnder(await readSecretFile(path, id));
}

const derived = (secret: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), `knockline ${purpose}`, 32));

const idOf = (secret: Buffer): string => derived(secret, "id").toString("hex").slice(0, 16);

/** The vault under a key: one derived key for each purpose (HKDF, RFC 5869). */
export function vaultUnder(secret: Buffer): Vault {
  const [pinKey, sealKey] = [derived(secret, "pin"), derived(secret, "seal")];
  return {
    id: idOf(secret),
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
