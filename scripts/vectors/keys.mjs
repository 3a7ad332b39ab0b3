// Keys to sign with: ssh-keygen's own, and security keys played by node:crypto after OpenSSH's PROTOCOL.u2f.
import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concat, mpint, NAMESPACE, sha256, signedData, sshsig, string, u32 } from "./wire.mjs";

export const folder = mkdtempSync(join(tmpdir(), "knockline-vectors-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A key pair of ssh-keygen's. */
export function keyPair(name, ...options) {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "ann@laptop", "-f", file, ...options]);
  const line = readFileSync(`${file}.pub`, "utf8").trim();
  const pem = options.includes("PEM") ? createPrivateKey(readFileSync(file)) : undefined;
  return { file, line, pem, blob: Buffer.from(line.split(" ")[1], "base64") };
}

/** The blob that ssh-keygen -Y sign makes of a message. */
export function keygenSign({ file }, message, { namespace = NAMESPACE, hash = "sha512" } = {}) {
  const options = ["-q", "-Y", "sign", "-f", file, "-n", namespace, "-O", `hashalg=${hash}`];
  const armoured = execFileSync("ssh-keygen", options, { input: message, encoding: "utf8" });
  return Buffer.from(armoured.replace(/-----.*?-----|\s/g, ""), "base64");
}

/** A security key played by node:crypto. */
export function securityKey(kind, application = "ssh:") {
  const isEcdsa = kind === "ecdsa";
  const { privateKey, publicKey } = isEcdsa
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("ed25519");
  const { x, y } = publicKey.export({ format: "jwk" });
  const bytes = (text) => Buffer.from(text, "base64url");
  const type = isEcdsa ? "sk-ecdsa-sha2-nistp256@openssh.com" : "sk-ssh-ed25519@openssh.com";
  const point = isEcdsa ? [string("nistp256"), string(concat([4], bytes(x), bytes(y)))] : [string(bytes(x))];
  const blob = concat(string(type), ...point, string(application));
  return {
    type,
    isEcdsa,
    privateKey,
    application,
    blob,
    line: `${type} ${blob.toString("base64")} ann@token`,
  };
}

/** What a security key makes of a message: flags 1 touched, 4 PIN or fingerprint given. */
export function securitySign(key, message, { flags = 1, counter = 7, application = key.application } = {}) {
  const tail = concat([flags], u32(counter));
  const data = concat(sha256(application), tail, sha256(signedData(message)));
  const raw = sign(key.isEcdsa ? "sha256" : null, data, { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  const inner = key.isEcdsa ? concat(mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))) : raw;
  return sshsig({ key: key.blob, signature: concat(string(key.type), string(inner), tail) });
}

export const ed25519 = keyPair("ed25519", "-t", "ed25519");

export const stranger = keyPair("stranger", "-t", "ed25519");

export const p256 = keyPair("p256", "-t", "ecdsa", "-b", "256", "-m", "PEM");

export const p384 = keyPair("p384", "-t", "ecdsa", "-b", "384", "-m", "PEM");

export const p521 = keyPair("p521", "-t", "ecdsa", "-b", "521", "-m", "PEM");

export const rsa2048 = keyPair("rsa2048", "-t", "rsa", "-b", "2048", "-m", "PEM");

export const rsa3072 = keyPair("rsa3072", "-t", "rsa", "-b", "3072", "-m", "PEM");

export const rsa4096 = keyPair("rsa4096", "-t", "rsa", "-b", "4096", "-m", "PEM");

export const rsa1024 = keyPair("rsa1024", "-t", "rsa", "-b", "1024", "-m", "PEM");

export const skEd25519 = securityKey("ed25519");

export const skEcdsa = securityKey("ecdsa");

/** An OpenSSH certificate for the ed25519 key. */
export function certificate() {
  execFileSync("ssh-keygen", ["-q", "-s", stranger.file, "-I", "ann", "-n", "ann", `${ed25519.file}.pub`]);
  const line = readFileSync(`${ed25519.file}-cert.pub`, "utf8").trim();
  return { line, blob: Buffer.from(line.split(" ")[1], "base64") };
}
