import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Dns } from "../helpers/dns.ts";
import { openScene, type Scene } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt, holdSession } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** Who is on the allowlist comes in without a knock, whatever becomes of resolver, table and daemon. */

const { describe } = needs("namespaces", "nft", "ip", "dnsmasq");

const TRUNK = "trunk.lab.test";
const SETTINGS = { firewall: { guard: "services" }, allow: { resolvers: ["127.0.0.1"] } };

type Hosts = "trunk" | "second" | "stranger";
let scene: Scene<Hosts>;
let dns: Dns;
let trunk: Host;
let second: Host;
let stranger: Host;

async function open(): Promise<void> {
  scene = await openScene(["trunk", "second", "stranger"], SETTINGS);
  ({ trunk, second, stranger } = scene.hosts);
  dns = new Dns(scene.server, scene.instance.folder);
  await dns.zone({ [TRUNK]: [trunk.address, second.address, trunk.address6] });
  await scene.instance.start();
}

const isIn = async (host: Host, family: 4 | 6 = 4, port = 22): Promise<boolean> =>
  (await scene.instance.tryConnect(host, port, { family })) === "open";
const reached = (family: 4 | 6 = 4) =>
  Promise.all([trunk, second, stranger].map((host) => isIn(host, family)));
const nft = (...args: string[]) => scene.server.run("nft", args);
const refreshed = (): Promise<string> => scene.instance.must(["allow", "refresh", TRUNK]);
const entryOf = async (what: string) =>
  (await scene.instance.json(["allow", "list"])).entries.find((one: { what: string }) => one.what === what);

describe("a name on the allowlist", () => {
  beforeAll(async () => {
    await open();
    await scene.instance.must(["allow", "add", TRUNK, "--services", "ssh", "--note", "our trunk"]);
  });
  afterEach(async () => {
    await dns.zone({ [TRUNK]: [trunk.address, second.address, trunk.address6] });
    await refreshed();
  });
  afterAll(() => scene?.close());

  test("lets in all of its addresses, IPv4 and IPv6, to its services, and no stranger", async () => {
    expect(await reached()).toEqual([true, true, false]);
    expect(await reached(6)).toEqual([true, false, false]);
    expect(await isIn(trunk, 4, 80)).toBe(false);
    expect(await entryOf(TRUNK)).toMatchObject({
      kind: "name",
      addresses: [trunk.address, second.address, trunk.address6],
      services: ["ssh"],
      note: "our trunk",
      failing: null,
      expires: null,
    });
  });

  test("follows a changed answer, and lets sessions of the old address go on", async () => {
    const session = await holdSession(trunk, scene.server, 22);
    await dns.zone({ [TRUNK]: [second.address] });
    await refreshed();
    expect(await reached()).toEqual([false, true, false]);
    await session.works();
  });

  const disasters: Record<string, [() => Promise<void>, RegExp]> = {
    "does not exist any more": [() => dns.zone({ "other.lab.test": [stranger.address] }), /NXDOMAIN/],
    "fails at the resolver": [() => dns.mood("SERVFAIL"), /SERVFAIL/],
    "gets no answer": [() => dns.mood("silent"), /in time/],
    "has no resolver to ask": [() => dns.mood("dead"), /no resolver answers/],
    "stands for addresses that are never let in": [
      () => dns.zone({ [TRUNK]: ["127.0.0.1", "::1"] }),
      /never let in/,
    ],
  };
  for (const [what, [strike, why]] of Object.entries(disasters)) {
    test(`keeps its last good addresses when it ${what}, and says so`, async () => {
      await strike();
      await refreshed();
      expect(await reached()).toEqual([true, true, false]);
      expect(await reached(6)).toEqual([true, false, false]);
      const { failing, age } = await entryOf(TRUNK);
      expect(failing.why).toMatch(why);
      expect(age).toBeLessThan(3_600);
    });
  }

  test("keeps them without a resolver through a flush, and through kill -9 and a start", async () => {
    const rightAgain = () =>
      until(async () => (await reached()).join() === "true,true,false", {
        what: "open for the trunk's addresses, closed for the stranger",
        deadline: 3_000,
      });
    await dns.mood("dead");
    await nft("flush ruleset");
    await rightAgain();
    await scene.instance.kill9();
    await nft("flush ruleset");
    await scene.instance.start();
    await rightAgain();
    await refreshed();
    expect((await entryOf(TRUNK)).failing.why).toMatch(/no resolver answers/);
    await rightAgain();
  });

  test("delays nothing else while its resolver is silent", async () => {
    await dns.mood("silent");
    const path = join(scene.instance.folder, "many.txt");
    writeFileSync(path, Array.from({ length: 1_000 }, (_, n) => `n${n}.lab.test`).join("\n"));
    await scene.instance.must(["allow", "import", path]);
    await scene.instance.must(["grant", stranger.address, "--services", "ssh", "--ttl", "1m"]);
    expect(await isIn(stranger)).toBe(true);
    await scene.instance.must(["revoke", stranger.address]);
    const { names, failing } = (await scene.instance.json(["status"])).allowlist;
    expect(failing, "names given up so far: the others still wait").toBeLessThan(names);
  });
});

describe("an entry of the allowlist", () => {
  beforeAll(open);
  afterAll(() => scene?.close());

  test("is a network of any size, ends with `remove`, and cuts its sessions", async () => {
    const { instance, server } = scene;
    await instance.must(["allow", "add", "198.51.100.0/30", "--services", "ssh"]);
    await instance.must(["allow", "add", "198.51.100.0/25", "--services", "web"]);
    expect(await reached()).toEqual([true, true, false]); // .2 and .3; the stranger is .4
    expect(await isIn(stranger, 4, 80)).toBe(true);
    const session = await holdSession(trunk, server, 22);
    await instance.must(["allow", "remove", "198.51.100.0/30"]);
    expect(await reached()).toEqual([false, false, false]);
    await session.isToldItsEnd();
    await instance.must(["allow", "remove", "198.51.100.0/25"]);
  });

  test("ends on its time by the kernel alone, with every daemon dead; its sessions go on", async () => {
    const { instance, server } = scene;
    await instance.must(["allow", "add", trunk.address, "--expires", "4s"]);
    const expires = Date.parse((await entryOf(trunk.address)).expires);
    const session = await holdSession(trunk, server, 22);
    await instance.kill9();
    await expectClosesAt(instance, trunk, 22, expires);
    await session.works();
    await instance.start();
    expect(await reached()).toEqual([false, false, false]);
    await session.works();
  });

  test("may be added and removed with every daemon dead", async () => {
    const { instance } = scene;
    await instance.kill9();
    const added = await instance.json(["allow", "add", TRUNK]);
    expect(added.addresses).toEqual([trunk.address, second.address, trunk.address6]);
    expect(await reached()).toEqual([true, true, false]);
    await instance.must(["allow", "remove", TRUNK]);
    expect(await reached()).toEqual([false, false, false]);
    await instance.start();
  });

  test("is never taken for a scanner", async () => {
    const { instance, server } = scene;
    await instance.must(["allow", "add", `${trunk.address}/31`, "--services", "web"]);
    const ports = Array.from({ length: 40 }, (_, n) => 40_001 + n);
    for (const host of [trunk, stranger])
      await host.agent.send({ address: server.address, ports, gap: 1, payload: "x" });
    const scanners = async () => (await nft("list", "set", "inet", "knockline", "scanner4")).stdout;
    await until(async () => (await scanners()).includes(stranger.address), {
      what: "the stranger is a scanner",
    });
    expect(await scanners()).not.toContain(`${trunk.address} `);
    await instance.must(["allow", "remove", `${trunk.address}/31`]);
  });

  test("is in boot.nft, which opens for it before any of our programs runs; one that ends is not", async () => {
    const { instance } = scene;
    await instance.must(["allow", "add", trunk.address, "--services", "ssh"]);
    await instance.must(["allow", "add", "198.51.100.3", "--expires", "1h"]);
    await instance.must(["grant", stranger.address, "--services", "ssh"]);
    await instance.stop(); // the file is written at the latest now
    await nft("flush ruleset");
    expect(await reached()).toEqual([true, true, true]);
    const loaded = await nft("-f", join(instance.folder, "boot.nft"));
    expect(loaded.stderr).toBe("");
    expect(await reached()).toEqual([true, false, false]);
    await instance.start();
    expect(await reached()).toEqual([true, true, true]);
  });

  test("comes from a file, all or nothing, and goes out as it came in", async () => {
    const { instance } = scene;
    const path = join(instance.folder, "list.txt");
    writeFileSync(path, "# a provider\n203.0.113.9 services=sip note=A # B\n203.0.113.300\n10.1.2.3/8\n");
    const refused = await instance.knockctl(["allow", "import", path]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("line 3: ")]);
    expect(refused.stderr).toContain("line 4: ");
    expect(await entryOf("203.0.113.9")).toBeUndefined();

    writeFileSync(
      path,
      '[[allow]]\nwhat = ["203.0.113.9", "203.0.113.64/26"]\nservices = ["sip"]\nnote = "A # B"\n',
    );
    expect(await instance.json(["allow", "import", path])).toEqual({ added: 2, changed: 0, same: 0 });
    const printed = await instance.must(["allow", "export"]);
    expect(printed).toContain("203.0.113.64/26 services=sip note=A # B\n");
    writeFileSync(path, printed);
    expect(await instance.json(["allow", "import", path])).toMatchObject({ added: 0, changed: 0 });
  });

  test("is found by an address that it lets in, with the address's name", async () => {
    const { instance } = scene;
    const found = await instance.json(["allow", "lookup", "203.0.113.70"]);
    expect(found.entries.map(({ what }: { what: string }) => what)).toEqual(["203.0.113.64/26"]);
    expect((await instance.json(["allow", "lookup", trunk.address])).reverse).toEqual([TRUNK]);
    expect((await instance.knockctl(["allow", "lookup", "192.0.2.99"])).code).toBe(3);
  });
});
