import type { Address } from "../address.ts";
import type { FamilyAnswer, Resolver } from "./answer.ts";

/** What the fake answers for a name: addresses of both families, or why it does not. */
export type FakeZone = Map<string, { v4?: FamilyAnswer; v6?: FamilyAnswer }>;

/** A resolver in memory. */
export interface FakeResolver extends Resolver {
  readonly zone: FakeZone;
  readonly pointers: Map<Address, string[]>;
  /** Every name that was looked up, in order. */
  readonly asked: string[];
}

const NXDOMAIN: FamilyAnswer = { kind: "none", why: "NXDOMAIN: there is no such name" };
const NODATA: FamilyAnswer = { kind: "none", why: "no address" };

/** Makes a resolver for tests: a name that is not in its zone does not exist. */
export function fakeResolver(): FakeResolver {
  const zone: FakeZone = new Map();
  const pointers = new Map<Address, string[]>();
  const asked: string[] = []; // bounded: by the test
  return {
    zone,
    pointers,
    asked,
    lookUp: async (name) => {
      asked.push(name);
      const found = zone.get(name);
      if (found === undefined) return { v4: NXDOMAIN, v6: NXDOMAIN };
      return { v4: found.v4 ?? NODATA, v6: found.v6 ?? NODATA };
    },
    reverse: async (address) => pointers.get(address) ?? [],
  };
}

/** @returns an answer with these addresses, good for `ttl` seconds */
export const found = (ttl: number, ...addresses: string[]): FamilyAnswer => ({
  kind: "addresses",
  list: addresses.map((address) => ({ address, ttl })),
});
