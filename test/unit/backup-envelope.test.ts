import { describe, expect, test } from "vitest";
import { decodeContent } from "../../src/knockctl/backup/decode/content.ts";
import { lock, unlock } from "../../src/knockctl/backup/envelope.ts";

const SALT = { salt: Buffer.alloc(16, 7), nonce: Buffer.alloc(12, 9) };
const CHEAP = { logN: 4, r: 1, p: 1 };
const PASSPHRASE = "correct horse battery";
const PLAIN = Buffer.from("what nobody may read");

const locked = (): Buffer => lock(PLAIN, PASSPHRASE, SALT, CHEAP);

/** The file with one of its header's lines replaced. */
function withLine(index: number, line: string): Buffer {
  const lines = locked().toString("latin1").split("\n");
  lines[index] = line;
  return Buffer.from(lines.join("\n"), "latin1");
}

describe("a backup's envelope", () => {
  test("opens by its passphrase to the same bytes, however the passphrase's letters are composed", () => {
    expect(unlock(locked(), PASSPHRASE)).toEqual(PLAIN);
    const umlaut = lock(PLAIN, "gr\u00fcn und lang genug", SALT, CHEAP);
    expect(unlock(umlaut, "gru\u0308n und lang genug")).toEqual(PLAIN);
    expect(locked().includes(PLAIN)).toBe(false);
  });

  test("tells a wrong passphrase from a damaged file", () => {
    expect(() => unlock(locked(), "correct horse batterz")).toThrow(/not the passphrase/);
    expect(() => unlock(locked().subarray(0, -1), PASSPHRASE)).toThrow(/changed or cut off/);
    expect(() => unlock(locked().subarray(0, -PLAIN.length - 8), PASSPHRASE)).toThrow(/cut off/);
  });

  test("no flipped bit, anywhere, is taken", () => {
    const file = locked();
    for (let at = 0; at < file.length; at++) {
      const flipped = Buffer.from(file);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(() => unlock(flipped, PASSPHRASE), `byte ${at}`).toThrow();
    }
  });

  test.each([
    ["a newer version", withLine(0, "knockline backup 2"), /version 2, this program knows 1/],
    ["another file", Buffer.from("#!/bin/sh\n"), /no backup of knockline/],
    ["an empty file", Buffer.alloc(0), /no backup of knockline/],
    [
      "a cost that would take all memory",
      withLine(1, `scrypt 22 32 1 ${"A".repeat(22)}==`),
      /does not make sense/,
    ],
    [
      "a cost that would take for ever",
      withLine(1, `scrypt 10 1 99 ${"A".repeat(22)}==`),
      /does not make sense/,
    ],
    ["a header that goes on", withLine(3, "hmac-sha256"), /does not make sense/],
  ])("%s is refused by name, before anything is computed", (_name, file, message) => {
    const begun = performance.now();
    expect(() => unlock(file, PASSPHRASE)).toThrow(message);
    expect(performance.now() - begun).toBeLessThan(100);
  });

  test("what is inside must make sense", () => {
    expect(() => decodeContent(Buffer.from("{}"))).toThrow(/does not make sense/);
    expect(() => decodeContent(Buffer.from("no JSON"))).toThrow(/does not make sense/);
  });
});
