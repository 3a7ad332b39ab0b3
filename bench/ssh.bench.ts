import { bench, describe } from "vitest";
import { proveSsh } from "../src/knockd/proofs/ssh.ts";
import { parseDatagram } from "../src/shared/ssh/datagram.ts";
import { NO_REPLAY } from "../src/shared/ssh/replay.ts";
import { decodeSshsig } from "../src/shared/ssh/sshsig.ts";
import { drawSigner, KINDS, signKnock } from "../test/unit/ssh-signer.ts";

const NOW = 1_790_000_000;
const server = "pbx-k3v9x2qa";
const words = { server, user: "ann", time: NOW, nonce: "AAECAwQFBgcICQoLDA0ODw" };

/** One knock of each kind of key, and what it is held against. */
const samples = KINDS.map((kind) => {
  const signer = drawSigner(kind);
  const payload = signKnock(signer, { ...words, address: null, length: null, code: null });
  const against = { server, user: "ann", keys: [signer.key], replay: NO_REPLAY, now: NOW * 1_000 };
  const parsed = parseDatagram(payload);
  if (!parsed.ok || !proveSsh(payload, against).ok) throw new Error(`the ${kind} knock is not good`);
  return { kind, payload, against, blob: parsed.value.sshsig };
});

describe("SSHSIG: parsed", () => {
  for (const { kind, payload, blob } of samples) {
    bench(kind, () => {
      parseDatagram(payload);
      decodeSshsig(blob);
    });
  }
});

describe("SSHSIG: parsed, checked and verified, as knockd does it", () => {
  for (const { kind, payload, against } of samples) bench(kind, () => void proveSsh(payload, against));
});

describe("SSHSIG: refused before its signature is looked into", () => {
  for (const { kind, payload, against } of samples)
    bench(`${kind}, an old one`, () => void proveSsh(payload, { ...against, now: against.now + 600_000 }));
});
