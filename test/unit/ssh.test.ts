import { describe, expect, test } from "vitest";
import { type Against, proveSsh, type SignatureSteps } from "../../src/knockd/proofs/ssh.ts";
import type { Address } from "../../src/shared/address.ts";
import { seconds } from "../../src/shared/duration.ts";
import { describeRefusal, parseKeyFile } from "../../src/shared/ssh/key-line.ts";
import { afterRestore, faultOfStamp, NO_REPLAY, type Replay, useStamp } from "../../src/shared/ssh/replay.ts";
import { decodeSshsig } from "../../src/shared/ssh/sshsig.ts";
import { faultOfSignature } from "../../src/shared/ssh/verify.ts";
import { drawSigner, type Fields, signKnock } from "./ssh-signer.ts";

const NOW = 1_790_000_000;
const NONCE = "AAECAwQFBgcICQoLDA0ODw";
const ann = drawSigner("ed25519");
const bob = drawSigner("ed25519");
const fields: Fields = {
  server: "pbx-k3v9x2qa",
  user: "ann",
  time: NOW,
  nonce: NONCE,
  address: null,
  length: null,
  code: null,
};
const against: Against = {
  server: fields.server,
  user: "ann",
  keys: [ann.key],
  replay: NO_REPLAY,
  now: NOW * 1000,
};
const seen: Replay = { floor: 0, seen: [{ time: NOW, nonce: NONCE }] };

/** The reason of a no, or "ok". */
function verdict(payload: Buffer, context: Partial<Against> = {}): string {
  const proved = proveSsh(payload, { ...against, ...context });
  return proved.ok ? "ok" : proved.reason;
}

describe("the order of checks", () => {
  const good = signKnock(ann, fields);
  const broken = Buffer.concat([good.subarray(0, -3), Buffer.from("A==")]);
  const forged = Buffer.from(good.toString().replace(" - - - ", " - - 4711 "));
  const off = { now: (NOW + 301) * 1000 };
  // each line has the faults of all lines below it as well, so what is refused first is checked first
  const faults: [
    reason: string,
    payload: Buffer,
    context: Partial<Against>,
    decoded: number,
    verified: number,
  ][] = [
    ["payload_too_long", Buffer.alloc(1401), {}, 0, 0],
    ["ssh_malformed", Buffer.from(`${forged} `), { server: "x", user: "bob", ...off }, 0, 0],
    ["ssh_other_server", forged, { server: "x", user: "bob", ...off, keys: [], replay: seen }, 0, 0],
    ["ssh_other_user", forged, { user: "bob", ...off, keys: [], replay: seen }, 0, 0],
    ["ssh_clock", forged, { ...off, keys: [], replay: seen }, 0, 0],
    ["ssh_signature_malformed", broken, { keys: [], replay: seen }, 1, 0],
    ["ssh_key_unknown", forged, { keys: [bob.key], replay: seen }, 1, 0],
    ["ssh_replayed", forged, { replay: seen }, 1, 0],
    ["ssh_too_old", forged, { replay: { ...seen, floor: NOW } }, 1, 0],
    ["ssh_signature_wrong", forged, {}, 1, 1],
    ["ok", good, {}, 1, 1],
  ];

  test.each(faults)(
    "%s is told before all that is dearer to find out",
    (reason, payload, context, decoded, verified) => {
      const count = { decoded: 0, verified: 0 };
      const steps: SignatureSteps = {
        decode: (blob) => {
          count.decoded++;
          return decodeSshsig(blob);
        },
        faultOf: (...signed) => {
          count.verified++;
          return faultOfSignature(...signed);
        },
      };
      const proved = proveSsh(payload, { ...against, ...context }, steps);
      expect(proved.ok ? "ok" : proved.reason).toBe(reason);
      expect(count).toEqual({ decoded, verified });
    },
  );
});

test("a good knock tells who signed what with which key", () => {
  const asked = { address: "2001:db8::1" as Address, length: seconds(3600), code: "4711" };
  expect(proveSsh(signKnock(ann, { ...fields, ...asked }), against)).toEqual({
    ok: true,
    value: { user: "ann", time: NOW, nonce: NONCE, ...asked, key: ann.key.fingerprint },
  });
});

test.each([
  [-3_600, "its clock is 1h behind, or it is old"],
  [301, "its clock is 5m01s ahead"],
])("a clock that is %i seconds off is told by how much", (off, detail) => {
  const knock = signKnock(ann, { ...fields, time: NOW + off });
  expect(proveSsh(knock, against)).toMatchObject({ reason: "ssh_clock", detail });
});

describe("a knock opens once", () => {
  /** Uses a stamp up, or says why not. */
  function used(replay: Replay, time: number, nonce: string, now: number): Replay {
    const next = useStamp(replay, { time, nonce }, now * 1000);
    if (!next.ok) throw new Error(next.reason);
    return next.value;
  }

  test("used a second time it is refused, at whatever hour the clock stands", () => {
    const after = used(NO_REPLAY, NOW, NONCE, NOW);
    const later = used(after, NOW + 5_000, "later", NOW + 5_000);
    expect(later).toEqual({ floor: NOW, seen: [{ time: NOW + 5_000, nonce: "later" }] });
    for (const hours of [-24, -1, 0, 1, 24]) {
      const now = (NOW + hours * 3_600) * 1000;
      expect(useStamp(after, { time: NOW, nonce: NONCE }, now)).toMatchObject({ reason: "ssh_replayed" });
      expect(useStamp(later, { time: NOW, nonce: NONCE }, now)).toMatchObject({ reason: "ssh_too_old" });
    }
  });

  test("what is remembered stays small, and what is forgotten stays used", () => {
    const stamps = Array.from({ length: 1_000 }, (_, i) => ({
      time: NOW + Math.floor(i / 4),
      nonce: `n${i}`,
    }));
    const all = stamps.reduce((replay, { time, nonce }) => used(replay, time, nonce, NOW), NO_REPLAY);
    expect(all.seen.length).toBeLessThanOrEqual(256);
    expect(all.seen.length).toBeGreaterThan(200);
    expect(stamps.filter((stamp) => faultOfStamp(all, stamp) === undefined)).toEqual([]);
  });

  test("two laptops in the same second both get in", () => {
    expect(used(used(NO_REPLAY, NOW, "one", NOW), NOW, "two", NOW).seen).toHaveLength(2);
  });

  test("after a restored backup no knock from before gets in, and one from five minutes later does", () => {
    const restored = afterRestore([NO_REPLAY], NOW * 1000);
    for (const time of [NOW - 300, NOW, NOW + 300]) {
      expect(faultOfStamp(restored, { time, nonce: NONCE })).toBe("ssh_too_old");
    }
    expect(faultOfStamp(restored, { time: NOW + 301, nonce: NONCE })).toBeUndefined();
  });

  test("after a restore with the clock set back no knock gets in that was seen by the right clock", () => {
    const seen = used(NO_REPLAY, NOW, NONCE, NOW);
    const restored = afterRestore([NO_REPLAY, seen], (NOW - 86_400) * 1000);
    expect(faultOfStamp(restored, { time: NOW, nonce: NONCE })).toBe("ssh_too_old");
  });

  test("two forms of one ecdsa signature are one knock: the proof tells them apart by the nonce alone", () => {
    const signer = drawSigner("ecdsa");
    const one = signKnock(signer, fields);
    const other = signKnock(signer, fields); // ecdsa draws a number each time: another signature of the same line
    expect(other).not.toEqual(one);
    expect(verdict(one, { keys: [signer.key] })).toBe("ok");
    expect(verdict(other, { keys: [signer.key], replay: seen })).toBe("ssh_replayed");
  });
});

describe("a file of keys", () => {
  test("gives its keys, each once, and says of every other line why it is not taken", () => {
    const text = `# laptop\n\n${ann.key.line} ann@laptop\r\n${ann.key.line}\nfrom="*" ${bob.key.line}\nrubbish\n`;
    const { keys, refused } = parseKeyFile(text);
    expect(keys.map(({ fingerprint }) => fingerprint)).toEqual([ann.key.fingerprint]);
    expect(refused.map(describeRefusal)).toEqual([
      "line 5: its line has options, and a knock cannot keep them: only verify-required is, for security keys",
      "line 6: not an OpenSSH public key: TYPE BASE64 COMMENT, as in a file ending in .pub",
    ]);
  });

  test("that holds a private key is refused whole", () => {
    const text = `-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n${ann.key.line}`;
    expect(parseKeyFile(text)).toEqual({ keys: [], refused: [{ number: 1, reason: "key_private" }] });
  });

  test("gives sixteen keys at most", () => {
    const lines = Array.from({ length: 18 }, () => drawSigner("ed25519").key.line);
    const { keys, refused } = parseKeyFile(lines.join("\n"));
    expect([keys.length, ...refused]).toEqual([
      16,
      { number: 17, reason: "key_too_many" },
      { number: 18, reason: "key_too_many" },
    ]);
  });

  test("may hold a comment in any script, of which only harmless letters are kept", () => {
    const [key] = parseKeyFile(`${ann.key.line} ann\u001b[31m@lüptop ${"x".repeat(99)}`).keys;
    expect(key?.line).toMatch(/^ssh-ed25519 \S+ ann\?\[31m@l\?ptop x+$/);
  });
});
