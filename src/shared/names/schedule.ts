import { type Duration, hours, milliseconds, minutes, seconds } from "../duration.ts";

/** A name is looked up no more often than this, whatever its TTL says, and no more seldom than LONGEST. */
const SHORTEST = seconds(60);
const LONGEST = hours(1);
/** A name that fails is asked for again after SHORTEST, then twice as long each time, up to this. */
const LONGEST_FAILING = minutes(15);
/** So much of a time is left to chance, so that names that were asked for together drift apart. */
const SPREAD = 0.1;

/** Between two look-ups, however many names are due: 50 a second, two questions each. */
const PACE = milliseconds(20);
/** Many names are asked for faster, so that each can be within SHORTEST: 10,000 take 180 a second, evenly. */
const ROUND = seconds(55);
/** The clock goes by 10 ms and timers come late: so much is made good at once, or it would add up to half a round. */
const CATCH_UP = milliseconds(50);
/** Look-ups that wait for an answer: a resolver that is down holds so many, and no more. */
const IN_FLIGHT = 64;

/** @returns how long an answer is good for. @param chance 0 to 1 @param ttl seconds */
export function freshFor(ttl: number, chance: number): Duration {
  const span = Math.min(LONGEST, Math.max(SHORTEST / (1 - SPREAD), seconds(ttl)));
  return milliseconds(span * (1 - SPREAD * chance));
}

/** @returns how long to wait after a name has failed so many times in a row. @param chance 0 to 1 */
export function failingFor(times: number, chance: number): Duration {
  const span = Math.min(LONGEST_FAILING, SHORTEST * 2 ** Math.min(times - 1, 10));
  return milliseconds(span * (1 + SPREAD * chance));
}

interface Due {
  readonly name: string;
  readonly at: number;
}

/**
 * When each name is to be looked up next, and how fast one after the other. Pure: times are ms on any clock that
 * does not run backwards.
 */
export class Schedule {
  /** bounded: the names followed. When each is due; undefined while it is being looked up. */
  readonly #names = new Map<string, number | undefined>();
  /** bounded: as above. Sorted by time; one that does not agree with #names is stale and passed over. */
  #queue: Due[] = [];
  #inFlight = 0;
  #earliest = Number.NEGATIVE_INFINITY;

  /** Names that are followed. */
  names(): string[] {
    return [...this.#names.keys()];
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Sets when a name is due, and follows it from now on. */
  put(name: string, at: number): void {
    this.#names.set(name, at);
    this.#queue.splice(this.#place(at), 0, { name, at });
  }

  /** Follows a name no more. */
  forget(name: string): void {
    if (this.#names.has(name) && this.#names.get(name) === undefined) this.#inFlight -= 1;
    this.#names.delete(name);
    this.#queue = this.#queue.filter((due) => due.name !== name);
  }

  /** Everything is due now; names that are being looked up are not looked up twice. */
  hurry(now: number): void {
    const waiting = [...this.#names].flatMap(([name, at]) => (at === undefined ? [] : [name]));
    this.#queue = waiting.map((name) => ({ name, at: now }));
    for (const name of waiting) this.#names.set(name, now);
  }

  /** Takes the names to look up now: those that are due, as many as the pace has room for. */
  take(now: number): string[] {
    const names: string[] = []; // bounded: IN_FLIGHT
    while (this.wait(now) <= 0) {
      const name = this.#queue.shift()?.name;
      if (name === undefined) break;
      this.#names.set(name, undefined);
      this.#inFlight += 1;
      this.#earliest = Math.max(this.#earliest, now - CATCH_UP) + this.#pace();
      names.push(name);
    }
    return names;
  }

  /** A name was answered, and is due again at a time. Of one that is followed no more nothing is kept. */
  answered(name: string, at: number): void {
    if (!this.#names.has(name) || this.#names.get(name) !== undefined) return;
    this.#inFlight -= 1;
    this.put(name, at);
  }

  /** @returns ms until there may be something to take; Infinity while only an answer can bring it */
  wait(now: number): number {
    while (this.#queue[0] !== undefined && this.#names.get(this.#queue[0].name) !== this.#queue[0].at)
      this.#queue.shift();
    const [next] = this.#queue;
    if (next === undefined || this.#inFlight >= IN_FLIGHT) return Number.POSITIVE_INFINITY;
    return Math.max(0, next.at - now, this.#earliest - now);
  }

  #pace(): number {
    return Math.min(PACE, ROUND / Math.max(1, this.#names.size));
  }

  /** Where a time belongs in the queue: behind those that are as early. */
  #place(at: number): number {
    let [low, high] = [0, this.#queue.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
