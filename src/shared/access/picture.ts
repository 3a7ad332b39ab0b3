/**
 * An element the kernel should hold, with its end as uptime ms: the time left is taken where it is written.
 * Infinity: permanent, only ever in a set of the allowlist.
 */
export interface Projected {
  readonly set: string;
  readonly key: string;
  readonly ends: number;
  readonly comment?: string;
}

/** Elements by set and key, so that two projections can be compared. Of several for one key the one that ends last counts. */
export class Picture {
  // bounded: by what is projected
  readonly #sets = new Map<string, Map<string, Projected>>();

  constructor(elements: Iterable<Projected> = []) {
    for (const element of elements) this.add(element);
  }

  get(set: string, key: string): Projected | undefined {
    return this.#sets.get(set)?.get(key);
  }

  add(element: Projected): void {
    const { set, key, ends } = element;
    let keys = this.#sets.get(set);
    if (keys === undefined) {
      keys = new Map();
      this.#sets.set(set, keys);
    }
    const there = keys.get(key);
    if (there === undefined || there.ends < ends) keys.set(key, element);
  }

  *[Symbol.iterator](): Generator<Projected> {
    for (const keys of this.#sets.values()) yield* keys.values();
  }
}
