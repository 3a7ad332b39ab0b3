import { type Address, kindOf, parseAddress } from "../address.ts";
import { type Network, prefixOf } from "../network.ts";

/** What a resolver found of one family (A or AAAA). */
export type FamilyAnswer =
  | {
      readonly kind: "addresses";
      readonly list: readonly { readonly address: string; readonly ttl: number }[];
    }
  /** It answered that there are none (NXDOMAIN, or no record of this type). */
  | { readonly kind: "none"; readonly why: string }
  /** It did not say: SERVFAIL, no answer in time. */
  | { readonly kind: "failed"; readonly why: string };

/** What a resolver found for a name. */
export interface NameAnswer {
  readonly v4: FamilyAnswer;
  readonly v6: FamilyAnswer;
}

/** The port to DNS. Two implementations pass one contract suite: `adapters/resolver.ts` and `fake.ts`. */
export interface Resolver {
  /** Looks up A and AAAA. Answers within a few seconds, never throws. */
  lookUp(name: string): Promise<NameAnswer>;
  /** The names of an address (PTR), empty when there is none or nobody says. They come from outside. Never throws. */
  reverse(address: Address): Promise<string[]>;
}

/** How many addresses of one family are taken of a name: the first ones in order, so that the choice stays the same. */
export const MAX_ADDRESSES = 16;

/** What an answer comes to. */
export interface Settled {
  readonly addresses: readonly Network[];
  /** Why some of them are only the last good ones; null: all are confirmed. */
  readonly failing: string | null;
  /** Seconds until they should be looked up again; undefined when nothing was confirmed. */
  readonly ttl: number | undefined;
}

/**
 * Decides what a name stands for after an answer. Addresses are only ever replaced by addresses: a failure, or an
 * answer without any, keeps the last good ones; a family that fails alone keeps its own.
 * @param before the last good addresses
 */
export function settle(before: readonly Network[], { v4, v6 }: NameAnswer): Settled {
  const families = [usable(v4), usable(v6)] as const;
  const found = families.filter((one) => one.kind === "addresses");
  if (found.length === 0) {
    const why = families.find(({ kind }) => kind === "failed") ?? families[0];
    return { addresses: before, failing: "why" in why ? why.why : null, ttl: undefined };
  }
  const kept = ([4, 6] as const).map((family, at) => {
    const answer = families[at] ?? families[0];
    if (answer.kind === "addresses") return { list: answer.list.map(({ address }) => address), why: null };
    const old = before.filter((network) => prefixOf(network).family === family);
    if (answer.kind === "failed" && old.length > 0)
      return { list: old, why: `${family === 4 ? "A" : "AAAA"}: ${answer.why}` };
    return { list: [], why: null };
  });
  return {
    addresses: kept.flatMap(({ list }) => list),
    failing: kept.find(({ why }) => why !== null)?.why ?? null,
    ttl: Math.min(...found.flatMap(({ list }) => list.map(({ ttl }) => ttl))),
  };
}

type Usable =
  | {
      readonly kind: "addresses";
      readonly list: readonly { readonly address: Address; readonly ttl: number }[];
    }
  | Exclude<FamilyAnswer, { kind: "addresses" }>;

/** Takes out what must never be let in, whoever answers it: loopback, multicast, unspecified, link-local, broadcast. */
function usable(answer: FamilyAnswer): Usable {
  if (answer.kind !== "addresses") return answer;
  const byAddress = new Map<Address, number>();
  for (const { address, ttl } of answer.list) {
    const parsed = parseAddress(address);
    if (parsed !== undefined && ["public", "private"].includes(kindOf(parsed))) byAddress.set(parsed, ttl);
  }
  const list = [...byAddress].map(([address, ttl]) => ({ address, ttl }));
  if (list.length === 0) return { kind: "failed", why: "only addresses that are never let in" };
  return { kind: "addresses", list: list.sort(byText).slice(0, MAX_ADDRESSES) };
}

const byText = (a: { address: string }, b: { address: string }): number =>
  a.address < b.address ? -1 : Number(a.address > b.address);
