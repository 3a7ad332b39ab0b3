import type { Denial } from "../shared/access/denial.ts";
import type { Duration } from "../shared/duration.ts";
import type { Step } from "../shared/users/user.ts";
import { Poisoned } from "./poison.ts";
import { Recent } from "./recent.ts";

/** One knock, as a listener saw it. */
export interface Knock {
  /** The source address as text, the same text for the same source each time. */
  readonly source: string;
  readonly proto: Step["proto"];
  readonly port: number;
}

/** What one knock came to. `complete` is not yet a grant: the proof comes next. */
export type Outcome =
  | { readonly kind: "step"; readonly user: string; readonly step: number; readonly of: number }
  | { readonly kind: "ignored"; readonly user: string }
  | { readonly kind: "denied"; readonly reason: Denial; readonly user: string | null }
  | { readonly kind: "complete"; readonly user: string };

/** Whose port it is, and its place in the sequence (from 0); null: a decoy. */
type Known = { readonly user: string; readonly index: number; readonly of: number } | null;

/** Which ports mean something. */
export type KnownPorts = ReadonlyMap<string, Known>;

interface Attempt {
  readonly user: string;
  /** Index of the step that must come next; `of` once the sequence is complete. */
  next: number;
  /** When the first knock came, ms of the monotonic clock that `track` is given. */
  readonly since: number;
}

// Implementation bounds, 65,536 entries together with the poisoned: a flood of first knocks can only push out first knocks.
const FIRST_STEPS = 16_384;
const FURTHER_STEPS = 8_192;

/** Attempts under way. Made by `newAttempts`, changed only by `track`. */
export interface Attempts {
  readonly first: Recent<string, Attempt>;
  readonly further: Recent<string, Attempt>;
  readonly poisoned: Poisoned;
}

/** @returns no attempts yet */
export function newAttempts(): Attempts {
  return {
    first: new Recent(FIRST_STEPS),
    further: new Recent(FURTHER_STEPS),
    poisoned: new Poisoned(),
  };
}

/** Builds the table of ports that mean something, decoys by both protocols; a port that is two things at once would be a fault of the draw. */
export function knownPorts(
  users: Iterable<{ name: string; steps: readonly Step[] }>,
  decoys: Iterable<number>,
): KnownPorts {
  const known = new Map<string, Known>();
  for (const port of decoys)
    for (const proto of ["udp", "tcp"] as const) known.set(portKey(proto, port), null);
  for (const { name, steps } of users) {
    for (const [index, { proto, port }] of steps.entries())
      known.set(portKey(proto, port), { user: name, index, of: steps.length });
  }
  return known;
}

/**
 * Takes one knock into account. Attempts of different sources never touch one another; `attempts` is changed in
 * place, for copying it at every packet would be the denial of service we guard against.
 * @param now monotonic ms
 * @param window how long a whole sequence may take
 * @returns undefined for a port that means nothing (any more)
 */
export function track(
  attempts: Attempts,
  knock: Knock,
  now: number,
  ports: KnownPorts,
  window: Duration,
): Outcome | undefined {
  const known = ports.get(portKey(knock.proto, knock.port));
  if (known === undefined) return undefined;
  const { source } = knock;
  if (known === null) {
    forget(attempts, source);
    attempts.poisoned.touch(source, now, window);
    return { kind: "denied", reason: "decoy", user: null };
  }
  const { user, index, of } = known;
  if (attempts.poisoned.has(source, now)) return { kind: "denied", reason: "poisoned", user };
  const attempt = attempts.further.get(source) ?? attempts.first.get(source);
  const mine = attempt?.user === user ? attempt : undefined;
  if (mine !== undefined && now - mine.since <= window) {
    if (index === mine.next) return advance(attempts, source, mine, of);
    if (index === mine.next - 1) return { kind: "ignored", user }; // SYN retries and doubled sends repeat the previous step
  }
  forget(attempts, source);
  if (index === 0) return begin(attempts, source, user, of, now);
  const tooSlow = mine !== undefined && index === mine.next;
  return { kind: "denied", reason: tooSlow ? "too_slow" : "wrong_order", user };
}

function portKey(proto: Step["proto"], port: number): string {
  return proto === "udp" ? `u${port}` : `t${port}`;
}

function begin(attempts: Attempts, source: string, user: string, of: number, now: number): Outcome {
  attempts.first.set(source, { user, next: 1, since: now });
  return { kind: "step", user, step: 1, of };
}

function advance(attempts: Attempts, source: string, attempt: Attempt, of: number): Outcome {
  attempts.first.delete(source);
  attempt.next += 1;
  attempts.further.set(source, attempt); // a complete one stays a while, so that a repeat of its last step is ignored
  if (attempt.next === of) return { kind: "complete", user: attempt.user };
  return { kind: "step", user: attempt.user, step: attempt.next, of };
}

function forget(attempts: Attempts, source: string): void {
  attempts.first.delete(source);
  attempts.further.delete(source);
}
