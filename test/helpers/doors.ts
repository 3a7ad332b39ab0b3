import type { Instance } from "./instance.ts";
import type { Host } from "./lab.ts";
import { until } from "./wait.ts";

/** Listings and clocks are that far apart at most. ms */
export const TOLERANCE = 1_000;

/** Addresses that are open, and for how many ms more. */
export type Open = ReadonlyMap<string, number>;

/** Who is let in to ssh over IPv4, by those two who know: what drills compare. */
export class Doors {
  constructor(
    private readonly instance: Instance,
    private readonly server: Host,
  ) {}

  /** By the running knockd. */
  async ledger(): Promise<Open> {
    const { grants } = await this.instance.ask("list");
    return new Map(
      grants.map(({ address, left }: { address: string; left: number }) => [address, left * 1_000]),
    );
  }

  /** By the kernel, whoever lives. */
  async kernel(): Promise<Open> {
    const { stdout } = await this.server.run("nft", ["-j", "list", "set", "inet", "knockline", "ssh4"]);
    const [, { set }] = JSON.parse(stdout).nftables;
    const elements: { elem: { val: string; expires: number } }[] = set.elem ?? [];
    return new Map(elements.map(({ elem }) => [elem.val, elem.expires * 1_000]));
  }

  /** Waits until what lives in the kernel lives in the ledger, for as long; and what lives in the ledger gets in. */
  async agree(): Promise<void> {
    const agree = async (): Promise<boolean> => {
      const [there, known] = [await this.kernel(), await this.ledger()];
      return isWithin(there, known) && isWithin(known, there);
    };
    await until(agree, { what: "kernel and ledger agree" });
  }
}

/** @returns whether all of one that has some time left is in the other, for as long */
function isWithin(one: Open, other: Open): boolean {
  const isAsLong = ([address, left]: [string, number]): boolean =>
    Math.abs((other.get(address) ?? Number.NEGATIVE_INFINITY) - left) <= TOLERANCE;
  return [...one].filter(([, left]) => left > 2 * TOLERANCE).every(isAsLong);
}
