import { afterAll, beforeAll, expect } from "vitest";
import type { Step } from "../../src/shared/users/user.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("root", "nft", "ip", "tcpdump", "knock", "nmap", "nc", "curl");

/** How one step is knocked by other people's programs: a line of shell. `six`: over IPv6. */
type Client = (step: Step, host: string, six: boolean) => string;

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);

function nmap(step: Step, host: string, six: boolean, retries: string): string {
  const scan = step.proto === "udp" ? "-sU" : "";
  return `nmap ${six ? "-6" : ""} -n -Pn ${scan} ${retries} -p ${step.port} ${host} >/dev/null`;
}

const CLIENTS: Record<string, Client> = {
  "knock 0.8, a program a step": ({ proto, port }, host, six) =>
    `knock ${six ? "-6" : "-4"} ${host} ${port}:${proto}`,
  "nmap, whose retries come from other ports": (step, host, six) => nmap(step, host, six, ""),
  "nmap --max-retries 0": (step, host, six) => nmap(step, host, six, "--max-retries 0"),
  nc: ({ proto, port }, host) =>
    proto === "udp" ? `echo | nc -u -q0 -w1 ${host} ${port}` : `nc -z -w1 ${host} ${port}`,
  "curl, which has TFTP for datagrams": ({ proto, port }, host) =>
    `curl -s -m 0.4 ${proto === "udp" ? "tftp" : "http"}://${bracketed(host)}:${port}/x`,
  "bash's /dev/tcp and /dev/udp": ({ proto, port }, host) =>
    `timeout 0.4 bash -c 'echo x >/dev/${proto}/${host}/${port}'`,
};

const SEQUENCES: Step["proto"][][] = [
  ["tcp", "tcp", "tcp"],
  ["udp", "udp", "udp"],
  ["tcp", "udp", "tcp"],
];

describe.each(["services", "everything"])(
  "with guard %j, where a closed port is as always, a door opens",
  (guard) => {
    let scene: Scene<"laptop">;
    const users = new Map<string, User>();
    const userOf = (sequence: readonly string[]): User => users.get(sequence.join()) as User;

    beforeAll(async () => {
      scene = await openScene(["laptop"], { firewall: { guard } });
      await scene.instance.start();
      for (const [n, sequence] of SEQUENCES.entries()) {
        const options = ["--steps", sequence.join(","), "--services", "ssh"];
        users.set(sequence.join(), await scene.instance.addUser(`user${n}x`, options));
      }
    });
    afterAll(() => scene?.close());

    /** Knocks at a shut door, and waits until it is open. */
    async function opens(
      family: 4 | 6,
      knock: (laptop: Host, host: string) => Promise<unknown>,
    ): Promise<void> {
      const { instance, server, hosts } = scene;
      await instance.ask("revoke", { all: true });
      expect(await instance.tryConnect(hosts.laptop, 22, { family, timeout: 200 })).toBe("silent");
      await knock(hosts.laptop, family === 4 ? server.address : server.address6);
      const isOpen = async () =>
        (await instance.tryConnect(hosts.laptop, 22, { family, timeout: 200 })) === "open";
      await until(isOpen, { what: `the door opens by IPv${family}`, deadline: 5_000 });
    }

    const stock = (name: string, { steps }: User, family: 4 | 6) =>
      opens(family, (laptop, host) => {
        const lines = steps.map((step) => CLIENTS[name]?.(step, host, family === 6));
        return laptop.run("bash", ["-c", lines.join("; sleep 0.02; ")], { timeout: 40_000 });
      });

    test.each(Object.keys(CLIENTS))("to %s", async (name) => {
      // where ports are silent every program waits for its time-out: there the mixed sequence over IPv6 must do
      const sequences = guard === "services" ? SEQUENCES : [];
      for (const sequence of sequences) await stock(name, userOf(sequence), 4);
      await stock(name, userOf(["tcp", "udp", "tcp"]), 6);
    });

    test("to the generated script, which says so", async () => {
      const { instance, hosts, server } = scene;
      for (const sequence of SEQUENCES) {
        const { name } = userOf(sequence);
        for (const address of [server.address, server.address6]) {
          await instance.ask("revoke", { all: true });
          const ran = await hosts.laptop.run("bash", [await instance.client(name, address)]);
          expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/open after \d+ ms\n$/) });
        }
      }
    });

    if (guard === "everything") return; // the rest is the same there, and slower

    test("to knock without any delay, by TCP", async () => {
      for (const family of [4, 6] as const)
        await opens(family, (laptop, host) => {
          const ports = userOf(["tcp", "tcp", "tcp"]).steps.map(({ port }) => String(port));
          return laptop.run("knock", [`-${family}`, host, ...ports]);
        });
    });

    test("to the printed line for knock, by both", async () => {
      const { instance, hosts, server } = scene;
      const { name } = userOf(["tcp", "udp", "tcp"]);
      const text = await instance.must([
        "user",
        "client",
        name,
        "--format",
        "text",
        "--host",
        server.address,
      ]);
      const line = /^ +(knock -d 20 .*)$/m.exec(text)?.[1] ?? "";
      await opens(4, () => hosts.laptop.run("bash", ["-c", line]));
    });

    test("to JuiceSSH, which sends each SYN twice", async () => {
      for (const sequence of SEQUENCES) {
        const { steps } = userOf(sequence);
        await opens(4, (laptop, address) => laptop.agent.knock({ address, steps, times: 2, gap: 100 }));
      }
    });

    test("to Knock on Ports: padded, raw, hex and base64 payloads, a local port of its choice, both families at once", async () => {
      const { instance, server, hosts } = scene;
      const { steps } = userOf(["tcp", "udp", "tcp"]);
      const payloads = ["\0".repeat(32), "knock".padEnd(64, " "), "6b6e6f636b", "a25vY2s="];
      for (const [n, payload] of payloads.entries())
        await opens(n % 2 === 0 ? 4 : 6, (laptop, address) =>
          laptop.agent.knock({ address, steps, payload, localPort: 40_000 + n, gap: 50 }),
        );
      await instance.ask("revoke", { all: true });
      const addresses = [server.address, server.address6];
      await Promise.all(addresses.map((address) => hosts.laptop.agent.knock({ address, steps, gap: 50 })));
      const open = async () =>
        (await instance.json(["list"])).grants.map((one: { address: string }) => one.address);
      await until(async () => (await open()).length === 2, { what: "both addresses are open" });
      expect((await open()).sort()).toEqual([hosts.laptop.address, hosts.laptop.address6].sort());
    });

    test("to no one who touches a decoy on the way, by TCP", async () => {
      const { instance, server, hosts } = scene;
      await instance.ask("revoke", { all: true });
      const listed = await server.run("nft", ["-j", "list", "set", "inet", "knockline", "knock_tcp"]);
      const watched: number[] = JSON.parse(listed.stdout).nftables.find((one: { set?: object }) => one.set)
        .set.elem;
      const own = new Set([...users.values()].flatMap(({ steps }) => steps).map(({ port }) => port));
      expect(watched.length).toBe(5 + 61);
      const decoy = { proto: "tcp", port: watched.find((port) => !own.has(port)) ?? 0 } as const;
      const [a, b, c] = userOf(["tcp", "tcp", "tcp"]).steps as [Step, Step, Step];
      const source = "198.18.0.9";
      await hosts.laptop.anyip("198.18.0.0/24");
      await hosts.laptop.agent.knock({ address: server.address, steps: [a, b, decoy, c], from: source });
      // the same source knocks by UDP in vain as well: it is the source that is spoiled
      const { steps } = userOf(["udp", "udp", "udp"]);
      await hosts.laptop.agent.knock({ address: server.address, steps, from: source });
      await until(() => instance.log().split("poisoned").length > 4, { what: "every step is denied" });
      expect((await instance.json(["list"])).grants).toEqual([]);
    });
  },
);
