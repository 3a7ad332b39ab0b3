import { afterAll, beforeAll, expect } from "vitest";
import { kernelSet } from "../helpers/flood-crowd.ts";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";

const { describe, test } = needs("root", "nft", "ip", "nmap");

/** Ports where nobody listens, between those where knockd does. */
const NEIGHBOURS = 200;

/** nmap waits for silent ports: one packet each, and no patience. */
const HURRY = ["-sU", "-n", "-Pn", "-T5", "--max-retries", "0", "--min-rate", "500", "--host-timeout", "40s"];

describe.each(["nothing", "services"])("an outside nmap -sU, with guard %j", (guard) => {
  let scene: Scene<"scanner" | "scanner2" | "scanner3">;
  let ports: number[];

  beforeAll(async () => {
    scene = await openScene(["scanner", "scanner2", "scanner3"], { firewall: { guard } });
    await scene.instance.addUser("ann");
  });
  afterAll(() => scene.close());

  /** @returns how many of `ports` nmap calls what */
  async function states(
    name: keyof typeof scene.hosts,
    options: string[] = [],
  ): Promise<Record<string, number>> {
    const { address, address6 } = scene.server;
    const target = options.includes("-6") ? address6 : address;
    const args = [...HURRY, ...options, "-p", ports.join(","), "-oX", "-", target];
    const ran = await scene.hosts[name].run("nmap", args, { timeout: 50_000 });
    return countStates(ran.stdout);
  }

  const silence = (): Record<string, number> => ({ "open|filtered": ports.length });

  test("tells a bound port from its neighbours while knockd does not guard them", async () => {
    const bound = 7001;
    await scene.server.agent.listen({ port: bound, proto: "udp" });
    ports = [bound, 7002];
    // without this, one state for all ports below would say nothing about knockline
    expect(await states("scanner3")).toMatchObject({ closed: 1 });
  });

  test("sees one state over knock ports, decoys and 200 neighbours", async () => {
    await scene.instance.start();
    const bound = (await kernelSet(scene.server, "knock_udp")).map(Number);
    expect(bound.length).toBe(3 + 61);
    ports = [...bound, ...neighboursOf(bound)];
    expect(await states("scanner")).toEqual(silence());
  }, 90_000);

  test("sees the same once it is flagged as a scanner", async () => {
    expect(await kernelSet(scene.server, "scanner4")).toContain(scene.hosts.scanner.address);
    expect(await states("scanner")).toEqual(silence());
  }, 90_000);

  test("sees the same over IPv6", async () => {
    expect(await states("scanner2", ["-6"])).toEqual(silence());
  }, 90_000);

  test("sees the same when knockd was killed with -9", async () => {
    await scene.instance.kill9();
    expect(await states("scanner3")).toEqual(silence());
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
