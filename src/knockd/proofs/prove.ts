import type { ProofName } from "../../shared/gate/views.ts";
import type { User } from "../../shared/users/user.ts";
import { proveNone } from "./none.ts";
import { readOtp } from "./otp.ts";
import type { Proof, Proved } from "./proof.ts";

/** More than this is no honest knock. Bytes. */
export const MAX_PAYLOAD = 1_400;

/** Every proof this version knows. A new one is a file beside this and a line here. */
const PROOFS: Partial<Record<ProofName, Proof>> = { none: proveNone, otp: readOtp };

/** Checks the last knock's payload by the user's proof; an unknown proof never falls back to `none`. */
export function prove(payload: Buffer, user: User, now: number): Proved {
  if (payload.length > MAX_PAYLOAD) return { ok: false, reason: "payload_too_long" };
  return PROOFS[user.proof]?.(payload, user, now) ?? { ok: false, reason: "proof_unknown" };
}
