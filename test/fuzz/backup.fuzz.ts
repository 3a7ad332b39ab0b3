import { strict as assert } from "node:assert";
import { decodeContent } from "../../src/knockctl/backup/decode/content.ts";
import { lock, unlock } from "../../src/knockctl/backup/envelope.ts";
import { Failure } from "../../src/knockctl/failure.ts";
import { attempt, target } from "./target.ts";

const PASSPHRASE = "correct horse battery";
const content = JSON.stringify({
  server: "pbx-k3v9x2qa",
  made: "2026-01-01T00:00:00Z",
  secret: Buffer.alloc(32, 7).toString("base64"),
  vault: "v1",
  settings: "[server]\n",
  records: [["user/ann", {}]],
});
const salt = { salt: Buffer.alloc(16, 7), nonce: Buffer.alloc(12, 9) };
const locked = lock(Buffer.from(content), PASSPHRASE, salt, { logN: 4, r: 1, p: 1 });

export const envelope = target({
  name: "backup-envelope",
  seeds: () => [locked],
  words: ["knockline backup 1\n", "scrypt ", "1 ", "aes-256-gcm ", "hmac-sha256 "],
  // a header may ask for seconds of scrypt, and has its reasons: only what asks for as little as ours is tried
  run: (bytes) =>
    /^scrypt (?!4 1 1 )/m.test(bytes.toString("latin1"))
      ? undefined
      : attempt(() => unlock(bytes, PASSPHRASE), Failure),
  holds: (opened, bytes) => {
    if (opened !== undefined) assert.equal(opened.ok, bytes.equals(locked));
  },
});

export const backupContent = target({
  name: "backup-content",
  seeds: () => [content],
  words: ['"', ":", ",", "{", "}", "[", "]", "null", '"__proto__"', "records"],
  run: (bytes) => attempt(() => decodeContent(bytes), Failure),
  holds: (decoded) => {
    if (decoded.ok)
      assert.deepEqual(decodeContent(Buffer.from(JSON.stringify(decoded.value))), decoded.value);
  },
});
