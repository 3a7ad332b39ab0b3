// @ts-check
// The payloads of good knocks, made as an honest client makes them: by ssh-keygen, and by RFC 6238's own text.
import { execFile, execFileSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";

/** @param {string} folder @returns {string} the path of a fresh ed25519 key's private half */
export function drawKey(folder) {
  const path = join(folder, "bench-key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path]);
  return path;
}

/**
 * @param {string} key path of the private half
 * @param {string} server its name
 * @param {string} user
 * @returns {Promise<string>} a signed line (docs/protocol.md)
 */
export async function signedLine(key, server, user) {
  const nonce = randomBytes(16).toString("base64url");
  const line = `KL1 ${server} ${user} ${Math.floor(Date.now() / 1000)} ${nonce} - - -`;
  const signing = promisify(execFile)("ssh-keygen", ["-q", "-Y", "sign", "-f", key, "-n", "knock@knockline"]);
  signing.child.stdin?.end(line);
  const { stdout } = await signing;
  return `${line} ${stdout.replace(/^-----.*$/gm, "").replace(/\s/g, "")}`;
}

/** @param {string} uri otpauth:// @returns {string} the code of this moment */
export function codeNow(uri) {
  const secret = new URL(uri).searchParams.get("secret") ?? "";
  const bits = [...secret].map((letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
  );
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac("sha1", Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2))))
    .update(counter)
    .digest();
  const number = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
