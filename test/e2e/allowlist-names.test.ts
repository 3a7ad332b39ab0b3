import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Dns } from "../helpers/dns.ts";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

/** Many names are looked up a few at a time, measured at the resolver, and a dead resolver empties none of them. */

const { describe } = needs("namespaces", "nft", "ip", "dnsmasq");
const long = needs("namespaces", "nft", "ip", "dnsmasq", "long");

let scene: Scene<never>;
let dns: Dns;

async function open(): Promise<void> {
  scene = await openScene([], { firewall: { guard: "services" }, allow: { resolvers: ["127.0.0.1"] } });
  dns = new Dns(scene.server, scene.instance.folder);
  await scene.instance.start();
}

/** Imports so many names, and watches the resolver until each was looked up. @returns questions in its busiest second */
async function rush(count: number, deadline: number): Promise<number> {
  const { instance } = scene;
  const names = Array.from({ length: count }, (_, n) => `n${n}.lab.test`);
  const address = (n: number) => `10.77.${n >> 8}.${n & 255}`;
  await dns.zone(Object.fromEntries(names.map((name, n) => [name, [address(n)]])));
  const path = join(instance.folder, "names.txt");
  writeFileSync(path, names.join("\n"));
  await instance.must(["allow", "import", path]);
  const seen: { at: number; asked: number }[] = [];
  const all = () => {
    seen.push({ at: performance.now(), asked: dns.asked() });
    return (seen.at(-1)?.asked ?? 0) >= 2 * count;
  };
  await until(all, { what: "every name was asked for", deadline, every: 50 });
  const found = async () =>
    (await instance.json(["allow", "list"])).entries.filter(
      ({ addresses }: { addresses: [] }) => addresses.length > 0,
    );
  await until(async () => (await found()).length === count, {
    what: "every name has its address",
    deadline: 10_000,
  });
  return Math.max(
    ...seen.map(({ at, asked }) => asked - (seen.findLast((one) => one.at <= at - 1_000)?.asked ?? 0)),
  );
}

describe("a thousand names", () => {
  beforeAll(open);
  afterAll(() => scene?.close());

  test("are looked up without a burst, and none is emptied when the resolver dies", async () => {
    const busiest = await rush(1_000, 80_000);
    expect(busiest, "questions in the busiest second: 50 names, A and AAAA").toBeLessThan(130);
    await dns.mood("dead");
    await scene.instance.must(["allow", "refresh"]);
    const failing = async () => (await scene.instance.json(["status"])).allowlist.failing;
    await until(async () => (await failing()) > 100, { what: "names are found to fail", deadline: 20_000 });
    const { stdout } = await scene.server.run("nft", ["list", "set", "inet", "knockline", "allow4_32"]);
    expect(stdout.match(/10\.77\.\d+\.\d+ comment/g)).toHaveLength(1_000);
    const boot = join(scene.instance.folder, "boot.nft");
    await until(() => readFileSync(boot, "utf8").match(/10\.77\.\d+\.\d+\b/g)?.length === 2_000, {
      what: "boot.nft holds each, to allow and to exempt",
      deadline: 8_000,
    });
  }, 150_000); // half a minute, but a busy machine only ever slows it down
});

long.describe("ten thousand names", () => {
  beforeAll(open);
  afterAll(() => scene?.close());

  long.test(
    "are looked up within a minute and a half, evenly",
    async () => {
      expect(await rush(10_000, 90_000)).toBeLessThan(480);
    },
    120_000,
  );
});
