import type { Denial } from "../../shared/access/denial.ts";
import type { ProofName } from "../../shared/gate/views.ts";
import type { User } from "../../shared/users/user.ts";
import { proveNone } from "./none.ts";

/** What a proof says of the last knock's payload. `code`: the user's own code for a pending request, if one was sent. */
export type Proved =
  | { readonly ok: true; readonly code: string | null }
  | { readonly ok: false; readonly reason: Denial };

/** A proof is a function of payload, user and time (wall clock ms): it looks, and changes nothing. */
export type Proof = (payload: Buffer, user: User, now: number) => Proved;

/** More than this is no honest knock (DESIGN section 5). Bytes. */
export const MAX_PAYLOAD = 1_400;

/** Every proof this version knows. A new one is a file beside this and a line here. */
const PROOFS: Partial<Record<ProofName, Proof>> = { none: proveNone };

/** Checks the last knock's payload by the user's proof; an unknown proof never falls back to `none`. */
export function prove(payload: Buffer, user: User, now: number): Proved {
  if (payload.length > MAX_PAYLOAD) return { ok: false, reason: "payload_too_long" };
  return PROOFS[user.proof]?.(payload, user, now) ?? { ok: false, reason: "proof_unknown" };
}
