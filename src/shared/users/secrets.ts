import type { GateState } from "../access/state.ts";
import { Refusal } from "../gate/verbs.ts";
import type { User } from "./user.ts";

/** What is stored of a user's secrets; null takes one away, and what is missing stays as it was. */
export interface Secrets {
  /** Fingerprint of the PIN. */
  readonly pin?: string | null;
  /** Sealed authenticator secret. */
  readonly otp?: string | null;
}

/** Gives a user new secrets. @throws Refusal when somebody else has that PIN: a PIN says who calls */
export function withSecrets(state: GateState, user: User, { pin = user.pin, otp = user.otp }: Secrets): User {
  const other = [...state.users.values()].find(
    ({ name, pin: theirs }) => name !== user.name && pin !== null && theirs === pin,
  );
  if (other !== undefined) {
    throw new Refusal("refused", "this PIN cannot be used", "choose another, or let one be drawn: --pin");
  }
  return { ...user, pin, otp };
}
