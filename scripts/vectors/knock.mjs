// Signed knocks, and what is due to them.
import { sign } from "node:crypto";
import { keygenSign } from "./keys.mjs";
import { concat, signedData, sshsig, string, strings } from "./wire.mjs";

export const NOW = 1_790_000_000; // unix seconds at which all vectors are judged

export const FIELDS = {
  version: "KL1",
  server: "pbx.example.com-k3v9x2qa",
  user: "ann",
  time: NOW - 2,
  nonce: "AAECAwQFBgcICQoLDA0ODw",
  address: "-",
  seconds: "-",
  code: "-",
};

export const lineOf = (fields = {}) => Object.values({ ...FIELDS, ...fields }).join(" ");

export const datagram = (message, blob) => `${message} ${blob.toString("base64")}`;

export const knock = (key, fields = {}, options = {}) => {
  const message = lineOf(fields);
  return datagram(message, keygenSign(key, message, options));
};

/** A knock whose RSA signature has another algorithm than ssh-keygen chooses. */
export function rsaKnock({ blob, pem }, algorithm, hash) {
  const message = lineOf();
  const signature = concat(string(algorithm), string(sign(hash, signedData(message), pem)));
  return datagram(message, sshsig({ key: blob, signature }));
}

/** Takes a knock of ssh-keygen's apart, and puts it together with some parts changed. */
export function remade(payload, change) {
  const [message, base64] = [
    payload.slice(0, payload.lastIndexOf(" ")),
    payload.slice(payload.lastIndexOf(" ") + 1),
  ];
  const [key, namespace, reserved, hash, signature] = strings(Buffer.from(base64, "base64"), 10);
  const parts = { key, namespace, reserved, hash, signature };
  return datagram(message, sshsig({ ...parts, ...change(parts) }));
}

/** One vector: everything that the verdict depends on. `payload` is one character a byte. */
export const vector = (name, keys, payload, expected, replay = { floor: 0, seen: [] }) => ({
  name,
  now: NOW,
  server: FIELDS.server,
  user: FIELDS.user,
  keys: keys.map(({ line }) => line),
  replay,
  payload: payload.toString("latin1"),
  expected,
});

export const OPENS = { opens: { address: null, seconds: null, code: null } };

export const refused = (reason, detail = null) => ({ refused: reason, detail });

export const malformed = (detail) => refused("ssh_malformed", detail);

export const broken = (detail) => refused("ssh_signature_malformed", detail);

export const LEFT_OVER = "bytes are missing or left over";

export const INNERMOST = "its innermost part is not well-formed";
