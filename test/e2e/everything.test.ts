import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openScene, type Scene } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt, onlyGrantEnds } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** Deny by default: what strangers must not reach, and what a host cannot live without. */

const { describe } = needs("root", "namespaces", "nft", "ip", "ping", "dnsmasq", "udhcpc");

const SSH = 22;
/** Listened on, but in no service and not public. */
const OTHER = 80;
const PUBLIC = 8080;

type People = "laptop" | "stranger" | "far";

/** Lays a second cable between two hosts of the lab, an interface name and an address at each end. */
async function cable(a: Host, nameA: string, addressA: string, b: Host, nameB: string, addressB: string) {
  // link-local addresses by hand: the kernel's own wait a second for somebody else to claim them
  const end = (name: string, address: string, local: string): string[] => [
    `link set ${name} addrgenmode none up`,
    `addr add ${address} dev ${name}`,
    `addr add ${local}/64 dev ${name} nodad`,
  ];
  await a.ip([
    `link add name ${nameA} type veth peer name ${nameB} netns ${b.pid}`,
    ...end(nameA, addressA, "fe80::a"),
  ]);
  await b.ip(end(nameB, addressB, "fe80::b"));
}

/** Sets a kernel variable of a host's network namespace. */
async function sysctl(host: Host, path: string, value: string): Promise<void> {
  const ran = await host.run("sh", ["-c", 'echo "$1" >"/proc/sys/net/$0"', path, value]);
  expect(ran.code, ran.stderr).toBe(0);
}

describe("with guard = everything,", () => {
  let scene: Scene<People>;
  let folder: string;
  const reach = (who: People, port: number, family: 4 | 6 = 4): Promise<string> =>
    scene.instance.tryConnect(scene.hosts[who], port, { family, timeout: 300 });
  const connect = async (from: Host, address: string, port: number): Promise<string> =>
    (await from.agent.connect({ address, port, timeout: 500 })).outcome;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "knockline-everything-"));
    scene = await openScene(["laptop", "stranger", "far"], {
      services: { ssh: { ports: [`tcp/${SSH}`] } },
      firewall: { guard: "everything", public: [`tcp/${PUBLIC}`], trusted_interfaces: ["wg0", "tun*"] },
    });
    const { server, hosts, instance } = scene;
    await server.agent.listen({ port: PUBLIC });
    await server.agent.listen({ port: 7000, proto: "udp" });
    await cable(server, "wg0", "10.9.0.1/30", hosts.laptop, "wg0", "10.9.0.2/30");
    await cable(server, "tun7", "10.9.1.1/30", hosts.laptop, "tun7", "10.9.1.2/30");
    await cable(server, "lan0", "10.7.0.99/24", hosts.laptop, "lan0", "10.7.0.1/24");
    await instance.start();
  });
  afterAll(async () => {
    await scene?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  test("strangers reach public ports and nothing else, by IPv4, IPv6 and UDP", async () => {
    for (const family of [4, 6] as const) {
      const found = await Promise.all([SSH, OTHER, PUBLIC, 9].map((port) => reach("stranger", port, family)));
      expect(found, `IPv${family}`).toEqual(["silent", "silent", "open", "silent"]);
    }
    const asked = { address: scene.server.address, port: 7000, timeout: 300 };
    expect((await scene.hosts.stranger.agent.ask(asked)).reply).toBeNull();
  });

  test("a grant opens its services, and no other port", async () => {
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "ssh", "--ttl", "5m"]);
    expect([await reach("laptop", SSH), await reach("laptop", OTHER)]).toEqual(["open", "silent"]);
    expect(await reach("stranger", SSH)).toBe("silent");
  });

  test("what comes in by a trusted interface passes, also by one named with a star", async () => {
    const { laptop } = scene.hosts;
    expect(await connect(laptop, "10.9.0.1", OTHER), "wg0").toBe("open");
    expect(await connect(laptop, "10.9.1.1", OTHER), "tun*").toBe("open");
    expect(await connect(laptop, "10.7.0.99", OTHER), "an interface that is not trusted").toBe("silent");
  });

  test("everybody may ping, by IPv4 and IPv6", async () => {
    const { server, hosts } = scene;
    for (const address of [server.address, server.address6]) {
      const ran = await hosts.stranger.run("ping", ["-n", "-c", "2", "-i", "0.2", "-W", "1", address]);
      expect(ran.code, ran.stdout).toBe(0);
    }
  });

  test("IPv6 neighbours are found anew when both sides have forgotten each other", async () => {
    const { server, hosts } = scene;
    for (const host of [server, hosts.stranger]) await host.ip(["neigh flush all"]);
    expect(await reach("stranger", PUBLIC, 6)).toBe("open");
    for (const host of [server, hosts.stranger]) await host.ip(["neigh flush all"]);
    await hosts.stranger.agent.listen({ port: 4433 });
    expect(await connect(server, hosts.stranger.address6, 4433), "asked by the server").toBe("open");
  });

  test("the host's own connections and its own look-ups of names work", async () => {
    const { server, hosts } = scene;
    const dns = hosts.laptop.start("dnsmasq", [
      ...["--no-daemon", "--conf-file=/dev/null", "--user=root", "--no-resolv", "--no-hosts"],
      ...["--bind-interfaces", `--listen-address=${hosts.laptop.address}`, "--address=/pbx.test/192.0.2.7"],
    ]);
    const ask = `const r = new (require("dns").promises.Resolver)({ timeout: 300, tries: 1 });
      r.setServers([process.argv[1]]); r.resolve4("pbx.test").then(console.log)`;
    const answered = async (): Promise<boolean> =>
      (await server.run(process.execPath, ["-e", ask, hosts.laptop.address])).stdout.includes("192.0.2.7");
    await until(answered, { what: "the name is found", every: 200 }).finally(() => dns.kill());
    await hosts.laptop.agent.listen({ port: 4434 });
    expect(await connect(server, hosts.laptop.address, 4434)).toBe("open");
  });

  test("a lease is renewed by DHCP", async () => {
    const { server, hosts } = scene;
    const dhcp = hosts.laptop.start("dnsmasq", [
      ...["--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--interface=lan0"],
      ...["--bind-interfaces", "--dhcp-range=10.7.0.10,10.7.0.20,2m", "--no-ping"],
      `--dhcp-leasefile=${join(folder, "leases")}`,
    ]);
    const script = join(folder, "lease.sh");
    writeFileSync(
      script,
      '#!/bin/sh\necho "$1 $ip"\ncase $1 in bound) ip addr add "$ip/24" dev lan0;; esac\nexit 0\n',
      { mode: 0o755 },
    );
    await until(() => dhcp.output().includes("DHCP, IP range"), {
      what: "the DHCP server is up",
      deadline: 10_000,
    });
    await server.ip(["addr flush dev lan0"]);
    const options = ["-t", "5", "-T", "1", "-A", "1"]; // asks each second, for as long as we wait
    const client = server.start("udhcpc", ["-f", "-i", "lan0", "-s", script, ...options]);
    const says = (event: string) => () =>
      new RegExp(`^${event} 10\\.7\\.0\\.1\\d$`, "m").test(client.output());
    try {
      await until(says("bound"), { what: "a lease", deadline: 10_000 });
      client.child.kill("SIGUSR1"); // renew now, by unicast
      await until(says("renew"), { what: "the lease renewed", deadline: 10_000 });
    } catch (error) {
      throw new Error(`the client says:\n${client.output()}\nthe server:\n${dhcp.output()}`, {
        cause: error,
      });
    } finally {
      await client.kill();
      await dhcp.kill();
    }
  });

  test("a small MTU on the way is learned, by IPv4 and IPv6", async () => {
    const { server, hosts } = scene;
    const { laptop, far } = hosts;
    // far now sits behind the laptop, at a cable that takes 1280 bytes; it still says that it can take 1500
    await cable(laptop, "hop", "10.8.0.1/24", far, "hop", "10.8.0.2/24");
    for (const [host, own] of [
      [laptop, "fd08::1/64"],
      [far, "fd08::2/64"],
    ] as const)
      await host.ip([`addr add ${own} dev hop nodad`]);
    await laptop.ip(["link set hop mtu 1280"]);
    for (const family of ["ipv4/ip_forward", "ipv6/conf/all/forwarding"]) await sysctl(laptop, family, "1");
    await far.ip([
      "route replace default via 10.8.0.1 dev hop mtu lock 1280 advmss 1460",
      "route replace default via fd08::1 dev hop mtu lock 1280 advmss 1440",
    ]);
    await server.ip([
      `route add 10.8.0.0/24 via ${laptop.address} dev ${laptop.uplink?.device}`,
      `route add fd08::/64 via fe80::2 dev ${laptop.uplink?.device}`,
    ]);
    await far.agent.listen({ port: 4435 });
    for (const address of ["10.8.0.2", "fd08::2"]) {
      const { session } = await server.agent.openSession({ address, port: 4435 });
      expect(session, address).not.toBeNull();
      const text = "x".repeat(20_000);
      await server.agent.sessionState({ session: session ?? 0, say: text });
      const arrived = async () =>
        (await server.agent.sessionState({ session: session ?? 0 })).received > text.length;
      await until(arrived, { what: `all of it comes back from ${address}`, deadline: 5_000 });
      expect((await server.run("ip", ["route", "get", address])).stdout).toContain("mtu 1280");
    }
  });
});

describe("a port that a container publishes", () => {
  let scene: Scene<"laptop" | "stranger" | "container">;
  const WEB = 8088;
  /** Published too, but in no service. */
  const ADMIN = 8089;
  const SHOP = 8090;
  const settings = (guard: "services" | "everything") => ({
    services: { web: { ports: [`tcp/${WEB}`] } },
    firewall: { guard, hooks: ["input", "forward"], public: [`tcp/${SHOP}`] },
  });

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger", "container"], settings("services"));
    const { server, hosts, instance } = scene;
    const { container } = hosts;
    await sysctl(server, "ipv4/ip_forward", "1");
    // as Docker does it: the client's packet is sent on, what the container asks for goes out as the host's
    const nat = `table ip nat {
      chain prerouting {
        type nat hook prerouting priority dstnat
        fib daddr type local tcp dport { ${WEB}, ${ADMIN}, ${SHOP} } dnat to ${container.address}:8000
      }
      chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr ${container.address} masquerade
      }
    }\n`;
    const loaded = await server.run("nft", ["-f", "-"], { input: nat });
    expect(loaded.code, loaded.stderr).toBe(0);
    await container.agent.listen({ port: 8000 });
    await hosts.stranger.agent.listen({ port: 4436 });
    await instance.start();
  });
  afterAll(() => scene?.close());

  const reach = (who: "laptop" | "stranger", port: number): Promise<string> =>
    scene.instance.tryConnect(scene.hosts[who], port, { timeout: 300 });
  const goesOut = async (): Promise<string> => {
    const { container, stranger } = scene.hosts;
    return (await container.agent.connect({ address: stranger.address, port: 4436, timeout: 500 })).outcome;
  };

  test("is closed before a knock, open after it, closed again at its time", async () => {
    const { instance, hosts } = scene;
    const user = await instance.addUser("ann", ["--services", "web", "--ttl", "4s"]);
    expect(await reach("laptop", WEB)).toBe("silent");
    await instance.knock(hosts.laptop, user);
    await until(async () => (await reach("laptop", WEB)) === "open", { what: "open after the knock" });
    expect(await reach("stranger", WEB)).toBe("silent");
    await expectClosesAt(instance, hosts.laptop, WEB, await onlyGrantEnds(instance));
  });

  test("is left alone where it belongs to no service, with guard = services", async () => {
    expect(await reach("stranger", ADMIN)).toBe("open");
    expect(await goesOut(), "the container's own connections").toBe("open");
  });

  test("is closed with guard = everything, unless it is public; the container's own connections are free", async () => {
    scene.instance.configure(settings("everything"));
    await scene.instance.must(["firewall", "apply", "--now"]);
    const found = await Promise.all([WEB, ADMIN, SHOP].map((port) => reach("stranger", port)));
    expect(found).toEqual(["silent", "silent", "open"]);
    expect(await goesOut()).toBe("open");
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "web", "--ttl", "1m"]);
    expect([await reach("laptop", WEB), await reach("laptop", ADMIN)]).toEqual(["open", "silent"]);
  });
});
