import { join } from "node:path";
import { keys } from "../../src/shared/access/records.ts";
import { openLevelStore } from "../../src/shared/store/adapters/level.ts";
import type { Step, User } from "../../src/shared/users/user.ts";
import type { User as Added, Instance } from "./instance.ts";
import type { Host } from "./lab.ts";

/**
 * Gives an instance many users, straight into its store while no knockd runs: a knockctl for each would take
 * minutes. Each has three ports of its own, 1,000 at most, in an order that no count up or down completes.
 * @param sequences by which protocols they knock, taken in turn
 */
export async function addCrowd(
  instance: Instance,
  size: number,
  sequences: readonly Step["proto"][][] = [["udp", "udp", "udp"]],
): Promise<Added[]> {
  const pattern = await instance.addUser("pattern");
  const store = await openLevelStore(join(instance.folder, "db"));
  try {
    const [[, record] = []] = await store.read(keys.user(pattern.name));
    const taken = new Set([...(await decoys(store)), ...pattern.steps.map(({ port }) => port)]);
    const free = Array.from({ length: 6_000 }, (_, n) => 20_000 + n).filter((port) => !taken.has(port));
    const crowd = Array.from({ length: size }, (_, n) => {
      const protos = sequences[n % sequences.length] as Step["proto"][];
      const places = [n + 1_000, n, n + 2_000];
      const steps = protos.map((proto, i) => ({ proto, port: free[places[i] ?? 0] ?? 0 }));
      return { ...(record as User), name: `crowd${n}`, steps };
    });
    await store.write([
      { key: keys.user(pattern.name) },
      ...crowd.map((user) => ({ key: keys.user(user.name), value: user })),
    ]);
    return crowd.map(({ name, steps }) => ({ ...pattern, name, steps }));
  } finally {
    await store.close();
  }
}

async function decoys(store: Awaited<ReturnType<typeof openLevelStore>>): Promise<number[]> {
  const [[, ports] = []] = await store.read(keys.decoys);
  return (ports as number[] | undefined) ?? [];
}

/** @returns the keys of a set in the kernel of a host, e.g. of `scanner4` */
export async function kernelSet(host: Host, set: string): Promise<(string | number)[]> {
  const ran = await host.run("nft", ["-j", "list", "set", "inet", "knockline", set]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  type Listed = { set?: { elem?: (string | number | { elem: { val: string | number } })[] } };
  const { nftables } = JSON.parse(ran.stdout) as { nftables: Listed[] };
  const elements = nftables.flatMap((entry) => entry.set?.elem ?? []);
  return elements.map((element) => (typeof element === "object" ? element.elem.val : element));
}
