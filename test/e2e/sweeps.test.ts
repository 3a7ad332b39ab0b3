import { afterAll, beforeAll, expect } from "vitest";
import type { Step } from "../../src/shared/users/user.ts";
import { addCrowd, kernelSet } from "../helpers/flood-crowd.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { ALL_PORTS, allSweeps, sweep } from "../helpers/sweep.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("root", "nft", "ip", "tcpdump", "perl");

/** Random orders in this run, beside ascending and descending; fewer where a single user leaves little to hit. */
const [RANDOM, FEW] = process.env.KNOCKLINE_LONG === "1" ? [100, 20] : [5, 2];

type Protos = Step["proto"][];
const UDP: Protos = ["udp", "udp", "udp"];
const TCP: Protos = ["tcp", "tcp", "tcp"];
const MIXED: Protos = ["tcp", "udp", "tcp"];

const CASES = [
  { proto: "udp" as const, who: "1 user", size: 1, sequences: [UDP], sweeps: allSweeps(FEW) },
  { proto: "udp" as const, who: "50 users", size: 50, sequences: [UDP], sweeps: allSweeps(RANDOM) },
  // up and down are a matter of the ports that are drawn, whatever the protocol: only random orders
  {
    proto: "tcp" as const,
    who: "50 users",
    size: 50,
    sequences: [TCP, MIXED],
    sweeps: allSweeps(RANDOM).slice(2),
  },
];

describe.each(CASES)(
  "a sweep over all 65,535 ports by $proto, with $who",
  ({ proto, size, sequences, sweeps }) => {
    let scene: Scene<"scanner" | "laptop">;
    let users: User[];
    let sources = 0;

    /** An address that never knocked before: a flagged one would not get far enough to be a test. */
    const freshSource = (): string => `198.18.0.${++sources}`;
    const grants = async (): Promise<unknown[]> => (await scene.instance.ask("list")).grants;

    beforeAll(async () => {
      scene = await openScene(["scanner", "laptop"], { firewall: { guard: "services" } });
      await scene.hosts.scanner.anyip("198.18.0.0/16");
      users = await addCrowd(scene.instance, size, sequences);
      await scene.instance.start();
    });
    afterAll(() => scene.close());

    // at once, each from an address of its own: paced, none of them needs the whole machine
    test.concurrent.each(sweeps)(
      "opens nothing, and puts its source among the scanners: $name",
      async ({ ports }) => {
        const source = freshSource();
        const { sent } = await sweep(scene.hosts.scanner, scene.server.address, ports, { source, proto });
        expect(sent).toBe(65_535);
        expect(await grants()).toEqual([]);
        expect(await kernelSet(scene.server, "ssh4")).toEqual([]);
        expect(await kernelSet(scene.server, "scanner4")).toContain(source);
      },
    );

    test.concurrent("over IPv6 opens nothing, and puts its /64 among the scanners", async () => {
      const { scanner } = scene.hosts;
      await sweep(scanner, scene.server.address6, ALL_PORTS, { source: scanner.address6, proto });
      expect(await grants()).toEqual([]);
      expect(await kernelSet(scene.server, "ssh6")).toEqual([]);
      expect(await kernelSet(scene.server, "scanner6")).toContain(scanner.address6.replace(/::1$/, "::"));
    });

    test("does not keep a user at a clean address out", async () => {
      const { scanner, laptop } = scene.hosts;
      const [user] = users;
      if (user === undefined) throw new Error("no user");
      let over = false;
      const sweeping = sweep(scanner, scene.server.address, ALL_PORTS, { source: freshSource(), proto }).then(
        () => {
          over = true;
        },
      );
      await until(async () => (await kernelSet(scene.server, "scanner4")).includes(`198.18.0.${sources}`), {
        what: "the sweep is under way",
      });
      await scene.instance.knock(laptop, user);
      await until(async () => (await scene.instance.tryConnect(laptop, 22, { timeout: 200 })) === "open", {
        what: "the user's door is open",
      });
      expect(over).toBe(false);
      await sweeping;
      expect(await grants()).toMatchObject([{ user: user.name, address: laptop.address }]);
    });
  },
);
