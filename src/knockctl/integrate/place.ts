/** One change of the host's own firewall, as data: pure code decides on it, an adapter carries it out. */
export type Edit =
  | { readonly do: "run"; readonly command: readonly string[] }
  /**
   * Replaces a file whole, with the text before our first change beside it. `text` undefined: the file was ours alone
   * and goes. `check`: a command that reads the new text from stdin and must like it first.
   */
  | {
      readonly do: "write";
      readonly path: string;
      readonly text: string | undefined;
      readonly check?: readonly string[];
      /** What the check reads instead, where the text is only a part of it. */
      readonly whole?: string;
    };

/** How the accept-mark rule stands in one place: `late` is behind the host's own rule for established connections. */
export type PlaceState = "right" | "missing" | "doubled" | "late";

/** A chain or a file in which the accept-mark rule belongs. */
export interface Place {
  /** For people: `iptables-nft INPUT (IPv4)`, `/etc/nftables.conf (inet filter input)`. */
  readonly where: string;
  /** Whose rules: iptables' by family, or those of nft. */
  readonly rules: readonly ("IPv4" | "IPv6" | "nft")[];
  /** True for a file that the host restores its rules from. */
  readonly saved: boolean;
  readonly state: PlaceState;
  /** What makes it right; nothing when it is. */
  readonly add: readonly Edit[];
  /** What takes our rule out; nothing when it is not there. */
  readonly remove: readonly Edit[];
  /** The rule, where only a person can put it in or take it out: nothing to add or to remove then. */
  readonly byHand?: string;
}

/** What of a rule decides where ours belongs. */
export interface RuleKind {
  /** It is our accept-mark rule, in whichever spelling. */
  readonly ours: boolean;
  /** It accepts established connections. */
  readonly established: boolean;
}

/** @returns how our rule stands among the rules of its chain, in their order */
export function stateAmong(rules: readonly RuleKind[]): PlaceState {
  const count = rules.filter(({ ours }) => ours).length;
  if (count !== 1) return count === 0 ? "missing" : "doubled";
  const established = rules.findIndex((rule) => rule.established);
  return established >= 0 && established < rules.findIndex(({ ours }) => ours) ? "late" : "right";
}
