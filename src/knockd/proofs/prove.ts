import type { ProofName } from "../../shared/gate/views.ts";
import { MAX_DATAGRAM } from "../../shared/ssh/datagram.ts";
import type { User } from "../../shared/users/user.ts";
import { proveNone } from "./none.ts";
import { readOtp } from "./otp.ts";
import type { About, Proof, Proved } from "./proof.ts";
import { proveSsh, rehearseSsh } from "./ssh.ts";
import { keysOf } from "./ssh-keys.ts";

const bySignature: Proof = (payload, { user, ...about }) => {
  const proved = proveSsh(payload, { ...about, user: user.name, keys: keysOf(user) });
  return proved.ok ? { ok: true, code: proved.value.code, signed: proved.value } : proved;
};

/** Every proof this version knows. A new one is a file beside this and a line here. */
const PROOFS: Record<ProofName, Proof> = { none: proveNone, otp: readOtp, ssh: bySignature };

/** Those that work long enough to be worth going through before the last knock is there (rehearsal.ts). */
const REHEARSALS: Partial<Record<ProofName, (user: User) => void>> = {
  ssh: (user) => rehearseSsh(keysOf(user)),
};

/** Does once what the user's proof will do, with nothing that came from outside, and no outcome. */
export const rehearseProof = (user: User): void => REHEARSALS[user.proof]?.(user);

/** Checks the last knock's payload by the user's proof; an unknown proof never falls back to `none`. */
export function prove(payload: Buffer, about: About): Proved {
  if (payload.length > MAX_DATAGRAM) return { ok: false, reason: "payload_too_long" };
  return PROOFS[about.user.proof]?.(payload, about) ?? { ok: false, reason: "proof_unknown" };
}
