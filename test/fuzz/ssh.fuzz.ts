import { strict as assert } from "node:assert";
import { formatDatagram, parseDatagram } from "../../src/shared/ssh/datagram.ts";
import { MAX_KEYS, parseKeyFile, parseKeyLine } from "../../src/shared/ssh/key-line.ts";
import { decodePublicKey, encodePublicKey, importKey } from "../../src/shared/ssh/public-key.ts";
import { decodeSshsig, encodeSshsig } from "../../src/shared/ssh/sshsig.ts";
import keyVectors from "../vectors/sshsig/key-lines.json" with { type: "json" };
import { assertPrintable, target } from "./target.ts";
import { datagrams, keyLines, sshsigs } from "./vectors.ts";

/** Names that stand in keys and signatures. */
const words = [
  "KL1",
  " ",
  "-",
  "SSHSIG",
  "knock@knockline",
  "sha256",
  "sha512",
  "ssh-rsa",
  "rsa-sha2-512",
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "nistp521",
  "sk-ssh-ed25519@openssh.com",
  "verify-required",
  "ssh-ed25519-cert-v01@openssh.com",
];

const blobOf = (line: string): Buffer =>
  Buffer.from(line.split(" ").find((word) => word.startsWith("AAAA")) ?? "", "base64");

export const kl1 = target({
  name: "kl1",
  seeds: () => datagrams,
  words,
  run: parseDatagram,
  holds: (datagram, bytes) => {
    if (datagram.ok) assert.deepEqual(formatDatagram(datagram.value), bytes);
    else assertPrintable(datagram.detail ?? "");
  },
});

export const sshsig = target({
  name: "sshsig",
  seeds: () => sshsigs,
  words,
  run: decodeSshsig,
  holds: (decoded, bytes) => {
    if (decoded.ok) assert.deepEqual(encodeSshsig(decoded.value), bytes);
    else assertPrintable(decoded.detail ?? "");
  },
});

export const publicKey = target({
  name: "public-key",
  seeds: () => keyLines.map(blobOf),
  words,
  run: (bytes) => {
    const key = decodePublicKey(bytes);
    if (key.ok) importKey(key.value);
    return key;
  },
  holds: (key, bytes) => {
    if (key.ok) assert.deepEqual(encodePublicKey(key.value), bytes);
  },
});

export const authorizedKeys = target({
  name: "authorized-keys",
  seeds: () => [...keyVectors.map(({ line }) => line), keyLines.join("\n")],
  words: [...words, "#", "\t", 'from="*"', "-----BEGIN OPENSSH PRIVATE KEY-----\n", ...keyLines.slice(0, 3)],
  run: (bytes) => parseKeyFile(bytes.toString()),
  holds: ({ keys }) => {
    assert.ok(keys.length <= MAX_KEYS);
    for (const { line, fingerprint } of keys) {
      assertPrintable(line);
      const again = parseKeyLine(line);
      assert.deepEqual(again.ok && [again.value.line, again.value.fingerprint], [line, fingerprint]);
    }
  },
});
