import type { Duration } from "../shared/duration.ts";
import { Recent } from "./recent.ts";

/** A network that touched decoys: how often, and until when it is refused. */
interface Poison {
  readonly until: number;
  readonly touches: number;
}

/** What a source is counted by: the network's text, and how many touches of it the first wait takes. */
interface Scope {
  readonly network: string;
  readonly least: number;
}

// Implementation bound, part of the tracker's 65,536
const POISONED = 8_192;
/** Who keeps touching decoys is a slow sweep: each touch lengthens the wait by a window, up to this many. */
const MOST_WINDOWS = 20;
/**
 * Touches in an IPv6 /48 that make all of it wait. A site has 65,536 /64s and no sweeper knows when he touched a decoy, so
 * three leave him about as many chances as one address has; one or two must not make a provider's other customers wait.
 */
const LEAST_OF_A_SITE = 3;

/** Sources that touched decoys: IPv4 by address, IPv6 by /64, which one host has to itself, and by /48. */
export class Poisoned {
  // bounded: twice POISONED; a flood that pushes out what is there has to hit that many decoys meanwhile
  readonly #networks = new Recent<string, Poison>(POISONED);

  /** How many networks are remembered. */
  get size(): number {
    return this.#networks.size;
  }

  /** Counts the touch of a decoy. `now` monotonic ms */
  touch(source: string, now: number, window: Duration): void {
    for (const { network, least } of scopesOf(source)) {
      const before = this.#networks.get(network);
      const isRemembered = before !== undefined && now - before.until <= MOST_WINDOWS * window;
      const touches = Math.min(MOST_WINDOWS + least - 1, isRemembered ? before.touches + 1 : 1);
      const windows = Math.max(0, touches - least + 1);
      this.#networks.set(network, { until: now + windows * window, touches });
    }
  }

  /** @returns true while a source must wait. `now` monotonic ms */
  has(source: string, now: number): boolean {
    return scopesOf(source).some(({ network, least }) => {
      const poison = this.#networks.get(network);
      return poison !== undefined && poison.touches >= least && now <= poison.until;
    });
  }
}

function scopesOf(source: string): Scope[] {
  if (!source.includes(":")) return [{ network: source, least: 1 }];
  const words = firstWords(source);
  return [
    { network: words.join(":"), least: 1 },
    { network: words.slice(0, 3).join(":"), least: LEAST_OF_A_SITE },
  ];
}

/** The first four words of an IPv6 address as listeners write it, without a parser: each IPv6 knock asks for them. */
function firstWords(source: string): string[] {
  const at = source.indexOf("::");
  if (at === -1) return source.split(":", 4);
  const head = at === 0 ? [] : source.slice(0, at).split(":", 4);
  if (head.length === 4) return head;
  const tail = source.slice(at + 2).split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4);
}
