// SSHSIG blobs that are not as they must be.
import { certificate, ed25519, p256, rsa1024, rsa2048, rsa4096, stranger } from "./keys.mjs";
import {
  broken,
  FIELDS,
  INNERMOST,
  knock,
  LEFT_OVER,
  OPENS,
  refused,
  remade,
  rsaKnock,
  vector,
} from "./knock.mjs";
import { concat, mpint, string, strings } from "./wire.mjs";

export function blobs() {
  const good = knock(ed25519);
  const one = (name, change, expected) => vector(name, [ed25519], remade(good, change), expected);
  const signature64 = (type, bytes) => ({ signature: concat(string(type), string(bytes)) });
  return [
    vector("a key that is not this user's", [stranger], good, refused("ssh_key_unknown")),
    vector("no key at all", [], good, refused("ssh_key_unknown")),
    vector(
      "signed for another purpose",
      [ed25519],
      knock(ed25519, {}, { namespace: "file" }),
      refused("ssh_namespace"),
    ),
    one("the purpose put in afterwards", () => ({ namespace: "file" }), refused("ssh_namespace")),
    one("version 2", () => ({ version: 2 }), broken("not SSHSIG version 1")),
    one("another magic", () => ({ magic: "SSHSIh" }), broken("not SSHSIG version 1")),
    one("a byte behind the blob", () => ({ tail: "\0" }), broken(LEFT_OVER)),
    one("a reserved field", () => ({ reserved: "x" }), broken("its reserved field is not empty")),
    one("hashed with sha1", () => ({ hash: "sha1" }), broken("its hash is neither sha256 nor sha512")),
    one("the hash put in afterwards", () => ({ hash: "sha256" }), refused("ssh_signature_wrong")),
    one(
      "a byte behind the public key",
      ({ key }) => ({ key: concat(key, "\0") }),
      broken("its public key is not well-formed"),
    ),
    one(
      "a public key of 31 bytes",
      ({ key }) => ({ key: concat(string("ssh-ed25519"), string(key.subarray(-31))) }),
      broken("its public key is not well-formed"),
    ),
    one("another's public key", () => ({ key: stranger.blob }), refused("ssh_key_unknown")),
    one(
      "a byte behind the signature",
      ({ signature }) => ({ signature: concat(signature, "\0") }),
      broken(INNERMOST),
    ),
    one(
      "a signature of 63 bytes",
      ({ signature }) => signature64("ssh-ed25519", signature.subarray(-63)),
      broken(INNERMOST),
    ),
    one(
      "another type's algorithm",
      ({ signature }) => signature64("ecdsa-sha2-nistp256", signature.subarray(-64)),
      refused("ssh_algorithm"),
    ),
    one(
      "S beyond the group's order",
      ({ signature }) => signature64("ssh-ed25519", beyondOrder(signature.subarray(-64))),
      refused("ssh_signature_wrong"),
    ),
    one("cut short", ({ signature }) => ({ signature: signature.subarray(0, 40) }), broken(INNERMOST)),
    ...ecdsaBlobs(),
    ...rsaBlobs(),
    ...refusedKeys(good),
  ];
}

const number = (bytes) => BigInt(`0x${bytes.toString("hex")}`);

const bytesOf = (n) => Buffer.from(n.toString(16).padStart(64, "0"), "hex");

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** R | S + L: the same point, and refused by RFC 8032. */
function beyondOrder(signature) {
  const s = number(Buffer.from(signature.subarray(32)).reverse()) + ED25519_ORDER;
  return concat(signature.subarray(0, 32), bytesOf(s).reverse());
}

function ecdsaBlobs() {
  const good = knock(p256);
  const replay = { floor: 0, seen: [{ time: FIELDS.time, nonce: FIELDS.nonce }] };
  const inner = ({ signature }) => strings(strings(signature)[1]);
  const withNumbers = (change) =>
    remade(good, (parts) => ({
      signature: concat(string("ecdsa-sha2-nistp256"), string(change(...inner(parts)))),
    }));
  const twin = withNumbers((r, s) => concat(string(r), mpint(bytesOf(P256_ORDER - number(s)))));
  const one = (name, change, expected) => vector(name, [p256], withNumbers(change), expected);
  return [
    vector("(r, n-s) is a good signature too", [p256], twin, OPENS),
    vector("(r, n-s) after (r, s)", [p256], twin, refused("ssh_replayed"), replay),
    one(
      "ecdsa: r with a needless zero",
      (r, s) => concat(string(concat([0], r)), string(s)),
      broken(INNERMOST),
    ),
    one("ecdsa: s zero", (r) => concat(string(r), string("")), broken(INNERMOST)),
    one(
      "ecdsa: r below zero",
      (_, s) => concat(string(concat([0x80], Buffer.alloc(31))), string(s)),
      broken(INNERMOST),
    ),
    one(
      "ecdsa: r of 33 bytes",
      (r, s) => concat(string(concat([1], r.subarray(-32))), string(s)),
      broken(INNERMOST),
    ),
    one("ecdsa: a byte behind s", (r, s) => concat(string(r), string(s), "\0"), broken(INNERMOST)),
    one("ecdsa: r and s exchanged", (r, s) => concat(string(s), string(r)), refused("ssh_signature_wrong")),
  ];
}

function rsaBlobs() {
  const good = knock(rsa2048);
  const [type, e, n] = strings(rsa2048.blob);
  const one = (name, payload, expected) => vector(name, [rsa2048], payload, expected);
  const padded = concat(string(type), string(e), string(concat([0], n)));
  return [
    one(
      "RSA with SHA-1",
      rsaKnock(rsa2048, "ssh-rsa", "sha1"),
      refused("ssh_algorithm", "SHA-1 is broken: use OpenSSH 8.1 or newer, also as the agent"),
    ),
    one(
      "rsa-sha2-256 named, SHA-1 made",
      rsaKnock(rsa2048, "rsa-sha2-256", "sha1"),
      refused("ssh_signature_wrong"),
    ),
    one(
      "RSA: the modulus with a needless zero",
      remade(good, () => ({ key: padded })),
      broken("its public key is not well-formed"),
    ),
    one(
      "RSA: a signature with a zero in front",
      remade(good, ({ signature }) => ({
        signature: concat(string("rsa-sha2-512"), string(concat([0], strings(signature)[1]))),
      })),
      refused("ssh_signature_wrong"),
    ),
  ];
}

/** Keys of kinds that are not taken. The signature does not cover the key's blob, so any signature will do. */
function refusedKeys(good) {
  const kind = (name, key, detail) =>
    vector(
      name,
      [ed25519],
      remade(good, () => ({ key })),
      refused("ssh_key_refused", detail),
    );
  return [
    kind("a certificate", certificate().blob, "certificates are not taken: give the plain public key"),
    kind(
      "a webauthn key",
      string("webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
      "webauthn keys live in browsers, which cannot sign a knock",
    ),
    kind(
      "a DSA key",
      string("ssh-dss"),
      "DSA keys are not taken: they are too weak, and OpenSSH dropped them",
    ),
    kind("RSA with 1024 bits", rsa1024.blob, "RSA under 2048 bits is too weak: use ssh-ed25519"),
    kind(
      "RSA with 4096 bits",
      rsa4096.blob,
      "RSA over 3072 bits makes a datagram that is too long: use ssh-ed25519",
    ),
    kind(
      "a key of the future",
      string("ssh-mldsa65"),
      "a key of a type that is not known here: use ssh-ed25519",
    ),
  ];
}
