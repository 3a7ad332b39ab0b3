// Lines of authorized_keys, with the fingerprint that ssh-keygen prints, or the refusal.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  certificate,
  ed25519,
  folder,
  p256,
  p384,
  p521,
  rsa1024,
  rsa2048,
  rsa3072,
  rsa4096,
  skEcdsa,
  skEd25519,
} from "./keys.mjs";
import { concat, string, strings } from "./wire.mjs";

export function keyLines() {
  const fingerprint = (line) => {
    const file = join(folder, "line.pub");
    writeFileSync(file, `${line}\n`);
    return execFileSync("ssh-keygen", ["-l", "-f", file], { encoding: "utf8" }).split(" ")[1];
  };
  const taken = (name, line) => ({ name, line, expected: { fingerprint: fingerprint(line) } });
  const not = (name, line, reason) => ({ name, line, expected: { refused: reason } });
  const offCurve = Buffer.from(p256.blob);
  offCurve[offCurve.length - 1] ^= 1;
  const compressed = Buffer.from(p256.blob);
  compressed[compressed.length - 65] = 2;
  const [type, , n] = strings(rsa2048.blob);
  const [bare] = [ed25519.line.split(" ").slice(0, 2).join(" ")];
  return [
    ...Object.entries({ ed25519, p256, p384, p521, rsa2048, rsa3072, skEd25519, skEcdsa }).map(
      ([name, key]) => taken(name, key.line),
    ),
    taken("no comment", bare),
    { ...taken("verify-required", skEd25519.line), line: `verify-required ${skEd25519.line}` },
    not("verify-required for a key that cannot", `verify-required ${ed25519.line}`, "key_option"),
    not("no-touch-required", `no-touch-required ${skEd25519.line}`, "key_option"),
    not("from", `from="192.0.2.0/24" ${ed25519.line}`, "key_option"),
    not("a command with blanks", `restrict,command="do this" ${ed25519.line}`, "key_option"),
    not("expiry-time", `expiry-time="20300101" ${ed25519.line}`, "key_option"),
    not("a certification authority", `cert-authority ${ed25519.line}`, "key_option"),
    not("two options", `verify-required,no-pty ${skEd25519.line}`, "key_option"),
    not("a certificate", certificate().line, "key_certificate"),
    not("webauthn", `webauthn-${skEcdsa.line}`, "key_webauthn"),
    not("DSA", "ssh-dss AAAAB3NzaC1kc3MAAACBAA== ann", "key_dss"),
    not("RSA with 1024 bits", rsa1024.line, "key_rsa_short"),
    not("RSA with 4096 bits", rsa4096.line, "key_rsa_long"),
    not(
      "RSA with the exponent 1",
      `ssh-rsa ${concat(string(type), string([1]), string(n)).toString("base64")}`,
      "key_garbage",
    ),
    not(
      "RSA with an even exponent",
      `ssh-rsa ${concat(string(type), string([4]), string(n)).toString("base64")}`,
      "key_garbage",
    ),
    not("a type of the future", "ssh-mldsa65 AAAAC3NzaC1tbGRzYTY1AA== ann", "key_type"),
    not("a point off its curve", `ecdsa-sha2-nistp256 ${offCurve.toString("base64")}`, "key_garbage"),
    not(
      "a point with the mark of a compressed one",
      `ecdsa-sha2-nistp256 ${compressed.toString("base64")}`,
      "key_garbage",
    ),
    not("base64 without its padding", p256.line.replace(/=+ .*/, ""), "key_garbage"),
    not("another type in front", bare.replace("ssh-ed25519", "ssh-rsa"), "key_garbage"),
    not(
      "a byte behind the key",
      `ssh-ed25519 ${concat(ed25519.blob, "\0").toString("base64")}`,
      "key_garbage",
    ),
    not("cut short", bare.slice(0, -8), "key_garbage"),
    not("words", "this is no key", "key_garbage"),
    not("a type and nothing else", "ssh-ed25519", "key_garbage"),
    not("a line without end", `${ed25519.line} ${"x".repeat(2_048)}`, "key_garbage"),
  ];
}
