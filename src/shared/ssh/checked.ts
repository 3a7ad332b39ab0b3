/** A no: its reason, and what there is to say of this very case. */
export interface Refused<Reason extends string> {
  readonly ok: false;
  readonly reason: Reason;
  /** For a person: `its clock is 12m behind`. Never holds bytes that came from outside. */
  readonly detail: string | null;
}

/** What a check came to. */
export type Checked<T, Reason extends string> = { readonly ok: true; readonly value: T } | Refused<Reason>;

/** @returns a yes */
export const accept = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });

/** @returns a no */
export const refuse = <Reason extends string>(
  reason: Reason,
  detail: string | null = null,
): Refused<Reason> => ({ ok: false, reason, detail });

/** Goes on with the next check when the last one said yes. */
export function andThen<A, B, R extends string, S extends string>(
  checked: Checked<A, R>,
  next: (value: A) => Checked<B, S>,
): Checked<B, R | S> {
  return checked.ok ? next(checked.value) : checked;
}
