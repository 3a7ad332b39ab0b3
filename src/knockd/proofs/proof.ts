import type { Denial } from "../../shared/access/denial.ts";
import type { Replay } from "../../shared/ssh/replay.ts";
import type { User } from "../../shared/users/user.ts";
import type { SignedKnock } from "./ssh.ts";

/**
 * What a proof says of the last knock's payload. `code`: what the laptop shows for a pending request, if it sent one.
 * `otp`: an authenticator code that the gate must still compare and use up; `signed`: what the gate must still use up.
 */
export type Proved =
  | { readonly ok: true; readonly code: string | null; readonly otp?: string; readonly signed?: SignedKnock }
  | { readonly ok: false; readonly reason: Denial; readonly detail?: string | null };

/** What a payload is held against. */
export interface About {
  /** Whose ports were knocked. */
  readonly user: User;
  /** Our own name: [server] name. */
  readonly server: string;
  /** What is remembered of the user's signed knocks. */
  readonly replay: Replay;
  /** Wall clock ms. */
  readonly now: number;
}

/** A proof looks at the payload, and changes nothing. */
export type Proof = (payload: Buffer, about: About) => Proved;
