import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { proveSsh, rehearseSsh } from "../../src/knockd/proofs/ssh.ts";
import { formatDatagram, parseDatagram } from "../../src/shared/ssh/datagram.ts";
import { parseKeyFile, parseKeyLine } from "../../src/shared/ssh/key-line.ts";
import { encodePublicKey } from "../../src/shared/ssh/public-key.ts";
import type { Replay } from "../../src/shared/ssh/replay.ts";
import { decodeSshsig, encodeSshsig } from "../../src/shared/ssh/sshsig.ts";

interface Knock {
  readonly name: string;
  /** Unix seconds. */
  readonly now: number;
  readonly server: string;
  readonly user: string;
  readonly keys: readonly string[];
  readonly replay: Replay;
  /** One character a byte. */
  readonly payload: string;
  readonly expected:
    | { readonly opens: { address: string | null; seconds: number | null; code: string | null } }
    | { readonly refused: string; readonly detail: string | null };
}

interface KeyLine {
  readonly name: string;
  readonly line: string;
  readonly expected: { readonly fingerprint: string } | { readonly refused: string };
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/sshsig/${name}.json`, import.meta.url), "utf8"));

/** What the proof makes of a vector, in the vector's words. */
function verdict({ now, server, user, keys, replay, payload }: Knock): Knock["expected"] {
  const known = parseKeyFile(keys.join("\n"));
  expect(known.refused).toEqual([]);
  const bytes = Buffer.from(payload, "latin1");
  const proved = proveSsh(bytes, { server, user, keys: known.keys, replay, now: now * 1000 });
  if (!proved.ok) return { refused: proved.reason, detail: proved.detail };
  const { address, length, code } = proved.value;
  return { opens: { address, seconds: length === null ? null : length / 1000, code } };
}

describe.each(["genuine", "security-keys", "lines", "blobs"])("the knocks in %s.json", (file) => {
  const vectors: Knock[] = read(file);

  test.each(vectors)("$name", (vector) => {
    expect(verdict(vector)).toEqual(vector.expected);
  });

  test("their signatures can be rehearsed with any key, without an outcome", () => {
    for (const { keys } of vectors) expect(rehearseSsh(parseKeyFile(keys.join("\n")).keys)).toBeUndefined();
  });

  test("what of them decodes re-encodes to the same bytes", () => {
    const datagrams = vectors
      .map(({ payload }) => Buffer.from(payload, "latin1"))
      .flatMap((bytes) => {
        const decoded = parseDatagram(bytes);
        return decoded.ok ? [{ bytes, datagram: decoded.value }] : [];
      });
    expect(datagrams.length).toBeGreaterThan(9);
    for (const { bytes, datagram } of datagrams) {
      expect(formatDatagram(datagram)).toEqual(bytes);
      const sshsig = decodeSshsig(datagram.sshsig);
      if (sshsig.ok) expect(encodeSshsig(sshsig.value)).toEqual(datagram.sshsig);
    }
  });
});

describe("the lines of authorized_keys in key-lines.json", () => {
  test.each(read("key-lines") as KeyLine[])("$name", ({ line, expected }) => {
    const key = parseKeyLine(line);
    expect(key.ok ? { fingerprint: key.value.fingerprint } : { refused: key.reason }).toEqual(expected);
    if (!key.ok) return;
    expect(key.value.line).toBe(line);
    expect(encodePublicKey(key.value.publicKey)).toEqual(key.value.blob);
  });
});
