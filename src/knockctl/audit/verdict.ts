/** Something to put right. */
export interface Finding {
  /** One word for each kind, with what it is about behind it where there may be several: `reachable-tcp-3306`. */
  readonly id: string;
  /** `high`: it is open, gives secrets away, or does not work. `medium`: it may come to that. `low`: worth knowing. */
  readonly severity: "high" | "medium" | "low";
  readonly what: string;
  readonly why: string;
  /** A command to run as it stands, wherever one can do it; else what to do, in words. */
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

/** @returns the findings; when there are none, that all is well */
export const findingsOr = (what: string, findings: readonly Finding[]): Verdict[] =>
  findings.length === 0 ? [fine(what)] : findings.map(finding);

/**
 * @returns the command that tries changed settings, fit for a shell as it stands. What keeps them is a comment: whoever
 *   confirms unseen may have locked himself out
 */
export const applied = (self: string): string =>
  `${self} firewall apply # for a minute; to keep it: ${self} firewall confirm`;
