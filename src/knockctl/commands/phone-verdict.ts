/** Something to put right. */
export interface Finding {
  readonly id: string;
  /** `high`: it does not work, or gives PINs away. `medium`: it may. */
  readonly severity: "high" | "medium";
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** What one check came to. */
export type Verdict =
  | { readonly kind: "fine"; readonly what: string }
  | { readonly kind: "finding"; readonly finding: Finding }
  /** It could not be looked at. */
  | { readonly kind: "unseen"; readonly what: string };

/** All is well with it. */
export const fine = (what: string): Verdict => ({ kind: "fine", what });
/** It could not be looked at. */
export const unseen = (what: string): Verdict => ({ kind: "unseen", what });
/** Something to put right. */
export const finding = (one: Finding): Verdict => ({ kind: "finding", finding: one });
