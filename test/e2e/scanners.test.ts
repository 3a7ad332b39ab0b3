import { afterAll, beforeAll, expect } from "vitest";
import { kernelSet } from "../helpers/flood-crowd.ts";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";

const { describe, test } = needs("root", "nft", "ip", "nmap", "tcpdump");

/** Ports where nobody listens, between those where knockd does. */
const NEIGHBOURS = 200;

/** nmap waits for silent ports: one packet each, and no patience. */
const HURRY = ["-n", "-Pn", "-T5", "--max-retries", "0", "--min-rate", "500", "--host-timeout", "40s"];

/** What nmap calls a closed port under each guard. */
const GUARDS = [
  { guard: "nothing", udp: "open|filtered", tcp: "closed" },
  { guard: "services", udp: "open|filtered", tcp: "closed" },
  { guard: "everything", udp: "open|filtered", tcp: "filtered" },
] as const;

const SCANS = [
  { scan: "-sU", proto: "udp", bound: "closed" },
  { scan: "-sS", proto: "tcp", bound: "open" },
] as const;

describe.each(GUARDS)("an outside scanner, with guard $guard", ({ guard, ...closed }) => {
  let scene: Scene<"udp" | "tcp" | "udp6" | "tcp6" | "late">;
  let ports: number[];

  beforeAll(async () => {
    scene = await openScene(["udp", "tcp", "udp6", "tcp6", "late"], { firewall: { guard } });
    await scene.instance.addUser("ann", ["--steps", "tcp,udp,tcp"]);
  });
  afterAll(() => scene.close());

  /** @returns how many of `ports` nmap calls what */
  async function states(
    name: keyof typeof scene.hosts,
    scan: string,
    options: string[] = [],
  ): Promise<Record<string, number>> {
    const { address, address6 } = scene.server;
    const target = options.includes("-6") ? address6 : address;
    const args = [scan, ...HURRY, ...options, "-p", ports.join(","), "-oX", "-", target];
    const ran = await scene.hosts[name].run("nmap", args, { timeout: 50_000 });
    return countStates(ran.stdout);
  }

  const alike = (proto: "udp" | "tcp"): Record<string, number> => ({ [closed[proto]]: ports.length });

  test.each(SCANS)(
    "tells with $scan a bound port from its neighbour while knockd does not guard",
    async (one) => {
      const { scan, proto, bound } = one;
      await scene.server.agent.listen({ port: 7001, proto });
      ports = [7001, 7002];
      // without this, one state for all ports below would say nothing about knockline
      expect(await states("late", scan)).toMatchObject({ [bound]: 1 });
    },
  );

  test("meets a knockd that watches ports by both protocols", async () => {
    await scene.instance.start();
    const known = await Promise.all(["knock_udp", "knock_tcp"].map((set) => kernelSet(scene.server, set)));
    expect(known.map(({ length }) => length)).toEqual([1 + 61, 2 + 61]);
    const all = [...new Set(known.flat().map(Number))];
    ports = [...all, ...neighboursOf(all)];
  });

  test.each(SCANS)(
    "sees with $scan one state over knock ports, decoys and 200 neighbours",
    async ({ scan, proto }) => {
      expect(await states(proto, scan)).toEqual(alike(proto));
    },
    90_000,
  );

  test.each(SCANS)(
    "sees with $scan the same once it is flagged",
    async ({ scan, proto }) => {
      expect(await kernelSet(scene.server, "scanner4")).toContain(scene.hosts[proto].address);
      expect(await states(proto, scan)).toEqual(alike(proto));
    },
    90_000,
  );

  test.each(SCANS)(
    "sees with $scan the same over IPv6",
    async ({ scan, proto }) => {
      expect(await states(`${proto}6`, scan, ["-6"])).toEqual(alike(proto));
    },
    90_000,
  );

  test("sees the same when knockd was killed with -9", async () => {
    await scene.instance.kill9();
    for (const { scan, proto } of SCANS) expect(await states("late", scan)).toEqual(alike(proto));
  }, 90_000);
});

/** Ports beside the bound ones, where nobody listens. */
function neighboursOf(bound: readonly number[]): number[] {
  const near = bound.flatMap((port) => [-2, -1, 1, 2].map((step) => port + step));
  return [...new Set(near)].filter((port) => !bound.includes(port)).slice(0, NEIGHBOURS);
}

/** Reads nmap's XML: ports that are told one by one, and those it sums up. */
function countStates(xml: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (state: string, count: number): void => {
    counts[state] = (counts[state] ?? 0) + count;
  };
  for (const [, state = ""] of xml.matchAll(/<port [^>]*><state state="([^"]+)"/g)) add(state, 1);
  for (const [, state = "", n] of xml.matchAll(/<extraports state="([^"]+)" count="(\d+)"/g))
    add(state, Number(n));
  return counts;
}
