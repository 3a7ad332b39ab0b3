import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processorTime } from "../../bench/processes.mjs";
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

/** Imports so many names, and waits until each was looked up and is let in. */
async function rush(count: number, deadline: number): Promise<void> {
  const { instance } = scene;
  const names = Array.from({ length: count }, (_, n) => `n${n}.lab.test`);
  const address = (n: number) => `10.77.${n >> 8}.${n & 255}`;
  await dns.zone(Object.fromEntries(names.map((name, n) => [name, [address(n)]])));
  const path = join(instance.folder, "names.txt");
  writeFileSync(path, names.join("\n"));
  await instance.must(["allow", "import", path]);
  await asked(2 * count, deadline);
  // asked at the socket: a list of ten thousand is more than the lab keeps of a program's output
  const found = async () =>
    (await instance.ask("allow_list")).entries.filter(
      ({ addresses }: { addresses: [] }) => addresses.length > 0,
    );
  await until(async () => (await found()).length === count, {
    what: "every name has its address",
    deadline: 10_000,
  });
}

/** Waits until the resolver was asked so many questions: A and AAAA of each name. */
const asked = (questions: number, deadline: number) =>
  until(() => dns.asked.length >= questions, {
    what: `the resolver was asked ${questions} questions`,
    deadline,
  });

/** @returns questions in the resolver's busiest second */
function busiest(): number {
  let [first, most] = [0, 0];
  for (const [n, at] of dns.asked.entries()) {
    while ((dns.asked[first] ?? at) <= at - 1_000) first += 1;
    most = Math.max(most, n - first + 1);
  }
  return most;
}

/** Waits until boot.nft holds so many names' addresses, each to allow and to exempt. */
const inBoot = (count: number) =>
  until(() => readFileSync(bootFile(), "utf8").match(/10\.77\.\d+\.\d+\b/g)?.length === 2 * count, {
    what: "boot.nft holds each address, to allow and to exempt",
    deadline: 8_000,
  });

const bootFile = () => join(scene.instance.folder, "boot.nft");

describe("a thousand names", () => {
  beforeAll(open);
  afterAll(() => scene?.close());

  test("are looked up without a burst, and none is emptied when the resolver dies", async () => {
    await rush(1_000, 80_000);
    expect(busiest(), "questions in the busiest second: 50 names, A and AAAA").toBeLessThan(130);
    await dns.mood("dead");
    await scene.instance.must(["allow", "refresh"]);
    const failing = async () => (await scene.instance.json(["status"])).allowlist.failing;
    await until(async () => (await failing()) > 100, { what: "names are found to fail", deadline: 20_000 });
    const { stdout } = await scene.server.run("nft", ["list", "set", "inet", "knockline", "allow4_32"]);
    expect(stdout.match(/10\.77\.\d+\.\d+ comment/g)).toHaveLength(1_000);
    await inBoot(1_000);
  }, 150_000); // half a minute, but a busy machine only ever slows it down
});

long.describe("ten thousand names", () => {
  beforeAll(open);
  afterAll(() => scene?.close());

  long.test(
    "are looked up within a minute and a half, evenly, and once more at a modest price and with boot.nft left alone",
    async () => {
      await rush(10_000, 90_000);
      await inBoot(10_000);
      const { pid = 0 } = scene.instance;
      const before = { at: performance.now(), used: processorTime([pid]), written: statSync(bootFile()).ino };
      await scene.instance.must(["allow", "refresh"]);
      await asked(40_000, 90_000);
      const cores = (processorTime([pid]) - before.used) / (performance.now() - before.at);
      expect(cores, "of a core, for knockd and its children").toBeLessThan(0.4);
      expect(statSync(bootFile()).ino, "boot.nft is the same file").toBe(before.written);
      expect(busiest(), "questions in the busiest second: 182 names, A and AAAA").toBeLessThan(480);
    },
    240_000,
  );
});
