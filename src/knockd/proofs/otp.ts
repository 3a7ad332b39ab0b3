import type { Proof } from "./proof.ts";

/** `otp`: `<6 digits> [code]`, blanks around ignored. The digits are compared by the gate, which counts. */
export const readOtp: Proof = (payload) => {
  const [, otp, code = null] = /^\s*(\d{6})(?:\s+(\d{4,8}))?[\s\0]*$/.exec(payload.toString("latin1")) ?? [];
  return otp === undefined ? { ok: false, reason: "code_malformed" } : { ok: true, otp, code };
};
