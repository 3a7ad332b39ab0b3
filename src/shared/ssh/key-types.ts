import type { KeyRefusal } from "./refusals.ts";

/** The hash names that node:crypto and SSHSIG share. */
export type Hash = "sha256" | "sha384" | "sha512";

/** What a type of key is made of, and which signatures it makes. */
export interface KeyType {
  readonly name: string;
  readonly family: "ed25519" | "ecdsa" | "rsa";
  /** A FIDO security key: application and touch are part of what is signed. */
  readonly isHardware: boolean;
  /** ecdsa: the curve's name on the wire, in JWK, and the bytes of a coordinate. */
  readonly curve?: { readonly name: string; readonly jwk: string; readonly size: number };
  /** Signature algorithm on the wire, and the hash that node:crypto's `verify` is to use; null: the scheme's own. */
  readonly algorithms: Readonly<Record<string, Hash | null>>;
}

const ecdsa = (curve: string, jwk: string, size: number, hash: Hash): KeyType => {
  const name = `ecdsa-sha2-${curve}`;
  return {
    name,
    family: "ecdsa",
    isHardware: false,
    curve: { name: curve, jwk, size },
    algorithms: { [name]: hash },
  };
};

const SK_ED25519 = "sk-ssh-ed25519@openssh.com";
const SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com";

/**
 * The keys that are taken. ecdsa with the hash of its curve (RFC 5656 section 6.2.1), RSA only with SHA-2 (RFC 8332),
 * security keys after OpenSSH's PROTOCOL.u2f.
 */
const KEY_TYPES: readonly KeyType[] = [
  { name: "ssh-ed25519", family: "ed25519", isHardware: false, algorithms: { "ssh-ed25519": null } },
  ecdsa("nistp256", "P-256", 32, "sha256"),
  ecdsa("nistp384", "P-384", 48, "sha384"),
  ecdsa("nistp521", "P-521", 66, "sha512"),
  {
    name: "ssh-rsa",
    family: "rsa",
    isHardware: false,
    algorithms: { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" },
  },
  { name: SK_ED25519, family: "ed25519", isHardware: true, algorithms: { [SK_ED25519]: null } },
  {
    ...ecdsa("nistp256", "P-256", 32, "sha256"),
    name: SK_ECDSA,
    isHardware: true,
    algorithms: { [SK_ECDSA]: "sha256" },
  },
];

const BY_NAME: ReadonlyMap<string, KeyType> = new Map(KEY_TYPES.map((type) => [type.name, type])); // bounded: KEY_TYPES

/** @returns the type of that name, or why there is none */
export function keyTypeOf(name: string): KeyType | KeyRefusal {
  const known = BY_NAME.get(name);
  if (known !== undefined) return known;
  if (name === "") return "key_garbage";
  if (/-cert-v0[01]@openssh\.com$/.test(name)) return "key_certificate";
  if (name.startsWith("webauthn-")) return "key_webauthn";
  return name === "ssh-dss" ? "key_dss" : "key_type";
}
