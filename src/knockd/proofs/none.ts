import type { Proof } from "./proof.ts";

/** `none`: the sequence itself is the proof, so that every stock client works. Any payload, or a code of 4-8 digits. */
export const proveNone: Proof = (payload) => {
  const text = payload.toString("latin1").trim();
  return { ok: true, code: /^\d{4,8}$/.test(text) ? text : null };
};
