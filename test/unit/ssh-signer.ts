import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Datagram, formatDatagram } from "../../src/shared/ssh/datagram.ts";
import { parseKeyLine, type SshKey } from "../../src/shared/ssh/key-line.ts";
import { encodeSshsig, signedData } from "../../src/shared/ssh/sshsig.ts";
import { wireMpint, wireString, wireUint32 } from "../../src/shared/ssh/wire.ts";

export const KINDS = ["ed25519", "ecdsa", "rsa", "sk-ed25519", "sk-ecdsa"] as const;
export type Kind = (typeof KINDS)[number];

/** What a knock says, apart from its signature. */
export type Fields = Omit<Datagram, "message" | "sshsig">;

/** A key pair drawn for a test, known to the verifier by its public line. */
export interface Signer {
  readonly kind: Kind;
  readonly privateKey: KeyObject;
  readonly key: SshKey;
}

const from64 = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64url");

/** Draws a key pair; security keys are played, with application `ssh:`. */
export function drawSigner(kind: Kind): Signer {
  const { privateKey, publicKey } = pairOf(kind);
  const { x, y, n, e } = publicKey.export({ format: "jwk" });
  const point = wireString(Buffer.concat([Buffer.from([4]), from64(x), from64(y)]));
  const body = {
    ed25519: [wireString(from64(x))],
    ecdsa: [wireString("nistp256"), point],
    rsa: [wireMpint(from64(e)), wireMpint(from64(n))],
  }[family(kind)];
  const application = kind.startsWith("sk-") ? [wireString("ssh:")] : [];
  const type = TYPES[kind];
  const blob = Buffer.concat([wireString(type), ...body, ...application]);
  const key = parseKeyLine(`${type} ${blob.toString("base64")}`);
  if (!key.ok) throw new Error(key.reason);
  return { kind, privateKey, key: key.value };
}

const TYPES: Record<Kind, string> = {
  ed25519: "ssh-ed25519",
  ecdsa: "ecdsa-sha2-nistp256",
  rsa: "ssh-rsa",
  "sk-ed25519": "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa": "sk-ecdsa-sha2-nistp256@openssh.com",
};

function family(kind: Kind): "ed25519" | "ecdsa" | "rsa" {
  return kind === "rsa" ? kind : kind.endsWith("ed25519") ? "ed25519" : "ecdsa";
}

function pairOf(kind: Kind): { privateKey: KeyObject; publicKey: KeyObject } {
  if (kind === "rsa") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  return family(kind) === "ecdsa"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("ed25519");
}

/** Signs a knock, as `ssh-keygen -Y sign` would. @returns the payload */
export function signKnock(signer: Signer, fields: Fields): Buffer {
  const nothing = Buffer.alloc(0);
  const unsigned = formatDatagram({ ...fields, message: nothing, sshsig: nothing });
  const message = unsigned.subarray(0, -1); // formatDatagram leaves the blank before the signature
  const { publicKey, blob: keyBlob } = signer.key;
  const touch = publicKey.type.isHardware ? { flags: 1, counter: 7 } : null;
  const inner = signedData(message, "sha512");
  const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
  const data =
    touch === null
      ? inner
      : Buffer.concat([
          sha256(publicKey.application),
          Buffer.from([touch.flags]),
          wireUint32(touch.counter),
          sha256(inner),
        ]);
  const [algorithm = "", hash = null] = Object.entries(publicKey.type.algorithms).at(-1) ?? [];
  const raw = sign(hash, data, { key: signer.privateKey, dsaEncoding: "ieee-p1363" });
  const signature = { algorithm, raw, touch };
  const sshsig = encodeSshsig({ publicKey, keyBlob, hash: "sha512", signature });
  return formatDatagram({ ...fields, message, sshsig });
}
