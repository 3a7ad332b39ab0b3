/** The port to what only the server's secret can do: fingerprints of PINs, and keeping authenticator secrets. */
export interface Vault {
  /** Tells one secret from another, and nothing else about it. 16 hex digits. */
  readonly id: string;
  /** HMAC(key, scrypt(PIN, key)), hexadecimal: the same PIN has the same fingerprint, and none is known without the key. */
  fingerprint(pin: string): Promise<string>;
  /** Encrypts a secret for the store (AES-256-GCM, a nonce each time). */
  seal(secret: string): string;
  /** Decrypts what `seal` made. @throws Error when it was changed, or made under another key */
  unseal(sealed: string): string;
}
