/** Why a public key is not taken: what `user add --ssh-key` says, and the detail of a knock signed with such a key. */
export const KEY_REFUSALS = {
  key_garbage: "not an OpenSSH public key: TYPE BASE64 COMMENT, as in a file ending in .pub",
  key_private: "that is a private key: give the file that ends in .pub, and keep this one to yourself",
  key_certificate: "certificates are not taken: give the plain public key",
  key_webauthn: "webauthn keys live in browsers, which cannot sign a knock",
  key_dss: "DSA keys are not taken: they are too weak, and OpenSSH dropped them",
  key_rsa_short: "RSA under 2048 bits is too weak: use ssh-ed25519",
  key_rsa_long: "RSA over 3072 bits makes a datagram that is too long: use ssh-ed25519",
  key_type: "a key of a type that is not known here: use ssh-ed25519",
  key_option:
    "its line has options, and a knock cannot keep them: only verify-required is, for security keys",
  key_too_many: "more keys than one user may have",
} as const;

/** A key of KEY_REFUSALS. */
export type KeyRefusal = keyof typeof KEY_REFUSALS;

/** Why a signed knock opens nothing; these are denials like all others. */
export const SSH_REFUSALS = {
  ssh_malformed: "the last knock's payload is not a KL1 line of nine fields",
  ssh_other_server: "signed for another server",
  ssh_other_user: "the signed user is not the one whose ports were knocked",
  ssh_clock: "signed more than 300 seconds from our time: an old knock, or a wrong clock",
  ssh_signature_malformed: "the signature is not an SSHSIG as ssh-keygen writes it",
  ssh_namespace: "signed for another purpose than knock@knockline",
  ssh_key_refused: "signed with a key of a kind that is not taken",
  ssh_key_unknown: "signed with a key that is not this user's",
  ssh_algorithm: "signed with an algorithm that is not taken for this key",
  ssh_replayed: "this very knock was used already",
  ssh_too_old: "signed before the oldest knock that is remembered",
  ssh_signature_wrong: "the signature does not fit the knock",
  ssh_untouched: "the security key signed without being touched",
  ssh_unverified: "the security key signed without PIN or fingerprint, which this key line demands",
} as const;

/** A key of SSH_REFUSALS. */
export type SshRefusal = keyof typeof SSH_REFUSALS;
