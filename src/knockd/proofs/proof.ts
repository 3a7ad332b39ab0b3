import type { Denial } from "../../shared/access/denial.ts";
import type { User } from "../../shared/users/user.ts";

/**
 * What a proof says of the last knock's payload. `code`: what the laptop shows for a pending request, if it sent one.
 * `otp`: an authenticator code that the gate must still compare and use up.
 */
export type Proved =
  | { readonly ok: true; readonly code: string | null; readonly otp?: string }
  | { readonly ok: false; readonly reason: Denial };

/** A proof is a function of payload, user and time (wall clock ms): it looks, and changes nothing. */
export type Proof = (payload: Buffer, user: User, now: number) => Proved;
