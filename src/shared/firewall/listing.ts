import type { KernelDrops } from "./firewall.ts";
import type { TableNames } from "./ruleset.ts";
import { ownerOf, TABLE } from "./table.ts";

/** Our table as `nft -t list ruleset inet` prints it. */
export interface Listing {
  /** The owner in the table's comment; "" when there is none. */
  readonly owner: string;
  readonly names: TableNames;
  readonly drops: KernelDrops;
  /** All of the table's rules and sets, without what changes by itself: two tables are the same when this is. */
  readonly fingerprint: string;
}

/**
 * Reads our table from a terse text listing. (The JSON listing of nft 1.0.6 leaves out the table's comment.)
 * @returns undefined when the table is not there.
 */
export function readListing(text: string): Listing | undefined {
  const start = `${text}\n`.indexOf(`table ${TABLE} {\n`);
  if (start < 0 || (start > 0 && text[start - 1] !== "\n")) return undefined;
  const ours = text.slice(start).split(/^\}$/m, 1)[0] ?? "";
  const packets = (counter: string): number =>
    Number(new RegExp(`^\\tcounter ${counter} \\{\\s+packets (\\d+)`, "m").exec(ours)?.[1] ?? 0);
  return {
    owner: ownerOf(/^\tcomment "(.*)"$/m.exec(ours)?.[1]),
    names: { sets: named(ours, "set"), chains: named(ours, "chain"), counters: named(ours, "counter") },
    drops: { scanner: packets("k_scanner"), rate: packets("k_rate"), global: packets("k_global") },
    fingerprint: ours.replace(/packets \d+ bytes \d+/g, "packets _ bytes _"),
  };
}

const named = (text: string, kind: string): string[] =>
  [...text.matchAll(new RegExp(`^\\t${kind} (\\S+) \\{`, "gm"))].map((match) => match[1] ?? "");
