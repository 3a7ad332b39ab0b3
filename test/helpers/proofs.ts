import { execFileSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";

/**
 * RFC 6238 by its own text: what is under test must not be the measure.
 * @param uri the authenticator's, as `user add` shows it once
 * @param step of 30 s since 1970
 */
export function totp(uri: string, step: number): string {
  const secret = new URL(uri).searchParams.get("secret") ?? "";
  const bits = [...secret].map((letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
  );
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2))))
    .update(counter)
    .digest();
  const number = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** What a signed line says; what is not named is as an honest client writes it. */
export interface Line {
  readonly server: string;
  readonly user: string;
  /** Seconds that the laptop's clock is ahead. */
  readonly ahead?: number;
  readonly address?: string;
  readonly seconds?: number;
}

/** Signs a line by ssh-keygen itself. @param key path of the private half @returns the datagram */
export function signLine(key: string, { server, user, ahead = 0, address = "-", seconds }: Line): string {
  const time = Math.floor(Date.now() / 1000) + ahead;
  const nonce = randomBytes(16).toString("base64url");
  const message = `KL1 ${server} ${user} ${time} ${nonce} ${address} ${seconds ?? "-"} -`;
  const options = ["-q", "-Y", "sign", "-f", key, "-n", "knock@knockline"];
  const armoured = execFileSync("ssh-keygen", options, { input: message, encoding: "utf8" });
  return `${message} ${armoured.replace(/^-----.*$/gm, "").replace(/\s/g, "")}`;
}
