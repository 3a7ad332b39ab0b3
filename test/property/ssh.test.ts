import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { proveSsh } from "../../src/knockd/proofs/ssh.ts";
import type { Address } from "../../src/shared/address.ts";
import { seconds } from "../../src/shared/duration.ts";
import { formatDatagram, parseDatagram } from "../../src/shared/ssh/datagram.ts";
import { parseKeyFile, parseKeyLine } from "../../src/shared/ssh/key-line.ts";
import { decodePublicKey, encodePublicKey } from "../../src/shared/ssh/public-key.ts";
import { faultOfStamp, NO_REPLAY, type Replay, type Stamp, useStamp } from "../../src/shared/ssh/replay.ts";
import { decodeSshsig, encodeSshsig } from "../../src/shared/ssh/sshsig.ts";
import { runs } from "../helpers/runs.ts";
import { drawSigner, KINDS, type Kind, signKnock } from "../unit/ssh-signer.ts";

const NOW = 1_790_000_000;
const server = "pbx-k3v9x2qa";
const signers = new Map(KINDS.map((kind) => [kind, drawSigner(kind)])); // bounded: KINDS
const keys = [...signers.values()].map(({ key }) => key);
const goods = new Map(KINDS.map((kind) => [kind, goodKnock(kind)])); // bounded: KINDS

function goodKnock(kind: Kind): Buffer {
  const signer = signers.get(kind);
  if (signer === undefined) throw new Error(kind);
  const address = "192.0.2.1" as Address;
  const asked = { address, length: seconds(3600), code: "4711" };
  return signKnock(signer, { server, user: "ann", time: NOW, nonce: "AAECAwQFBgcICQoLDA0ODw", ...asked });
}

const opens = (payload: Buffer): boolean =>
  proveSsh(payload, { server, user: "ann", keys, replay: NO_REPLAY, now: NOW * 1000 }).ok;

/** @returns a copy with one bit turned over */
function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** What decodes must re-encode to the same bytes, in each layer. */
function checkSpelling(payload: Buffer): void {
  const datagram = parseDatagram(payload);
  if (!datagram.ok) return;
  expect(formatDatagram(datagram.value)).toEqual(payload);
  const sshsig = decodeSshsig(datagram.value.sshsig);
  if (sshsig.ok) expect(encodeSshsig(sshsig.value)).toEqual(datagram.value.sshsig);
}

const kind = fc.constantFrom(...KINDS);
const bytes = fc.uint8Array({ maxLength: 40 });

/** A good knock with a piece cut out, put in, or replaced, on the line or inside the signature's blob. */
const mutant = fc.record({ kind, inBlob: fc.boolean(), at: fc.nat(1_000), cut: fc.nat(8), put: bytes });

function mutate({
  kind,
  inBlob,
  at,
  cut,
  put,
}: {
  kind: Kind;
  inBlob: boolean;
  at: number;
  cut: number;
  put: Uint8Array;
}) {
  const good = goods.get(kind) ?? Buffer.alloc(0);
  const splice = (whole: Buffer): Buffer => {
    const from = at % (whole.length + 1);
    return Buffer.concat([whole.subarray(0, from), put, whole.subarray(from + cut)]);
  };
  if (!inBlob) return { good, payload: splice(good) };
  const start = good.lastIndexOf(" ") + 1;
  const blob = splice(Buffer.from(good.toString("latin1", start), "base64"));
  return { good, payload: Buffer.concat([good.subarray(0, start), Buffer.from(blob.toString("base64"))]) };
}

describe("a signed knock", () => {
  it.each(KINDS)("of %s opens as it is", (kind) => {
    expect(opens(goodKnock(kind))).toBe(true);
  });

  it("of ed25519 opens with no single bit turned over, whichever it is", { timeout: 20_000 }, () => {
    const good = goods.get("ed25519") ?? Buffer.alloc(0);
    const bits = [...Array(good.length * 8).keys()].filter((bit) => bit % runs(1, 9) === 0);
    const open = bits.filter((bit) => opens(flipped(good, bit)));
    expect(open).toEqual([]);
  });

  it("of any kind opens with no bit turned over", { timeout: 20_000 }, () => {
    fc.assert(
      fc.property(kind, fc.nat(), (kind, n) => {
        const good = goods.get(kind) ?? Buffer.alloc(0);
        expect(opens(flipped(good, n % (good.length * 8)))).toBe(false);
      }),
      { numRuns: runs(1_000, 100) },
    );
  });

  it("opens with nothing cut out or put in, and what still decodes has one spelling", {
    timeout: 20_000,
  }, () => {
    fc.assert(
      fc.property(mutant, (change) => {
        const { good, payload } = mutate(change);
        checkSpelling(payload);
        expect(opens(payload)).toBe(payload.equals(good));
      }),
      { numRuns: runs(2_000, 200) },
    );
  });
});

describe("arbitrary bytes", () => {
  const any = fc.uint8Array({ maxLength: 1_500 }).map((bytes) => Buffer.from(bytes));

  it("as a payload are refused, and never throw", () => {
    fc.assert(
      fc.property(any, (payload) => {
        expect(opens(payload)).toBe(false);
      }),
    );
  });

  it("as a line of nine words are refused, and never throw", () => {
    const word = fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom("-", "ann", server, String(NOW)));
    const line = fc.array(word, { minLength: 8, maxLength: 8 }).map((words) => ["KL1", ...words].join(" "));
    fc.assert(
      fc.property(line, (text) => {
        checkSpelling(Buffer.from(text));
        expect(opens(Buffer.from(text))).toBe(false);
      }),
    );
  });

  it("as a blob or a key never throw, and decode only to what re-encodes the same", () => {
    const magic = Buffer.from("SSHSIG\0\0\0\u0001");
    fc.assert(
      fc.property(any, (blob) => {
        for (const one of [blob, Buffer.concat([magic, blob])]) expect(decodeSshsig(one).ok).toBe(false);
        const key = decodePublicKey(blob);
        if (key.ok) expect(encodePublicKey(key.value)).toEqual(blob);
      }),
    );
  });

  it("as a line of keys never throw, and a line that is taken is taken again as it was written back", () => {
    const good = fc.constantFrom(...keys.map(({ line }) => line));
    const part = fc.oneof(
      good,
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
      fc.constantFrom("verify-required", 'from="x"', "#"),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        for (const { line, fingerprint } of parseKeyFile(parts.join(" ")).keys) {
          const again = parseKeyLine(line);
          expect(again.ok && [again.value.line, again.value.fingerprint]).toEqual([line, fingerprint]);
        }
      }),
      { numRuns: runs(200, 40) },
    );
  });
});

describe("the memory of used knocks", () => {
  const stamp = fc.record({
    time: fc.integer({ min: NOW - 600, max: NOW + 600 }),
    nonce: fc.constantFrom("a", "b", "c", "d", "e"),
  });
  const turn = fc.record({ stamp, now: fc.integer({ min: NOW - 600, max: NOW + 600 }) });

  it("never lets a stamp through twice, however the clock jumps", () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 50 }), (turns) => {
        let replay: Replay = NO_REPLAY;
        const used: Stamp[] = [];
        for (const { stamp, now } of turns) {
          const wasUsed = used.some(({ time, nonce }) => time === stamp.time && nonce === stamp.nonce);
          const next = useStamp(replay, stamp, now * 1000);
          if (wasUsed) expect(next.ok).toBe(false);
          if (!next.ok) continue;
          expect(next.value.floor).toBeGreaterThanOrEqual(replay.floor);
          replay = next.value;
          used.push(stamp);
        }
        expect(used.filter((one) => faultOfStamp(replay, one) === undefined)).toEqual([]);
      }),
    );
  });
});
