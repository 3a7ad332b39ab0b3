import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { seconds } from "../../src/shared/duration.ts";
import { dice } from "../helpers/dice.ts";
import { Doors, TOLERANCE } from "../helpers/doors.ts";
import { type FakeClock, fakeClock } from "../helpers/fake-clock.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { signLine, totp } from "../helpers/proofs.ts";
import { runs } from "../helpers/runs.ts";
import { until } from "../helpers/wait.ts";

/** kill -9 at random moments in a stream of knocks of every kind: what then holds is what always must. */

const { describe, test } = needs("root", "nft", "ip", "tcpdump", "ssh-keygen", "faketime");

const SERVER = "lab-server";
const LIVES = runs(200, 20);
/** A life is as long as it takes for some knocks to be half done when it ends, on a busy machine too. ms */
const LONGEST_LIFE = 500;
/** What is open for short must be closed on time whatever was killed. */
const SHORT = seconds(3);

/** Programs that knockd runs all the time; in most lives one of them is killed before it. */
const CHILDREN = ["nft", "tcpdump"];

/** One knock of the stream. */
interface Sent {
  readonly user: User;
  readonly source: string;
  readonly payload: string;
}

/** A knock, and everybody who has tried it. */
interface Tried extends Sent {
  readonly about: string;
  readonly tried: readonly string[];
}

describe("through kill -9 at random moments in a stream of knocks", () => {
  let scene: Scene<"crowd">;
  let doors: Doors;
  let clock: FakeClock;
  let key: string;
  let users: Record<"open" | "short" | "tcp" | "otp" | "ssh", User & { otp_uri?: string }>;
  let sources = 0;
  const random = dice("kill -9");

  beforeAll(async () => {
    scene = await openScene(["crowd"], {
      server: { name: SERVER },
      firewall: { guard: "services" },
      knock: { decoys: 5 },
      access: { max_grants_per_user: 1_000 },
    });
    const { instance, hosts, server } = scene;
    doors = new Doors(instance, server);
    clock = fakeClock(instance.folder);
    instance.env = clock.env;
    await hosts.crowd.anyip("10.77.0.0/16");
    key = join(instance.folder, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await instance.start();
    users = {
      open: await instance.addUser("open"),
      short: await instance.addUser("short", ["--ttl", `${SHORT / 1_000}s`]),
      tcp: await instance.addUser("tcp", ["--steps", "tcp,udp,tcp"]),
      otp: await instance.addUser("otp", ["--proof", "otp"]),
      ssh: await instance.json(["user", "add", "ssh", "--ssh-key", `${key}.pub`]),
    };
  }, 90_000);
  afterAll(() => scene?.close());

  function source(): string {
    sources += 1;
    return `10.77.${Math.floor(sources / 250)}.${(sources % 250) + 1}`;
  }

  /** One knock of each kind, each from an address of its own; codes and nonces are new. */
  function freshKnocks(): Sent[] {
    clock.ahead += 30;
    const { open, short, tcp, otp, ssh } = users;
    const code = totp(otp.otp_uri ?? "", Math.floor(clock.now / 30_000));
    const signed = signLine(key, { server: SERVER, user: "ssh", ahead: clock.ahead });
    const payloads = new Map([
      [open, "x"],
      [short, "x"],
      [tcp, ""],
      [otp, code],
      [ssh, signed],
    ]);
    return [...payloads].map(([user, payload]) => ({ user, source: source(), payload }));
  }

  const send = ({ user, source, payload }: Sent, from = source) =>
    scene.instance.knock(scene.hosts.crowd, user, { source: from, payload });

  /** Kills a child of knockd's, which starts another, or nobody. @returns who it was */
  async function killChild(): Promise<string | undefined> {
    const name = random.of([...CHILDREN, undefined]);
    if (name !== undefined) await until(() => killOneCalled(name), { what: `a ${name} to kill` });
    return name;
  }

  function killOneCalled(name: string): boolean {
    const found = childrenOf(scene.instance.pid ?? 0).filter((pid) => isCalled(pid, name));
    if (found.length > 0) process.kill(random.of(found), "SIGKILL");
    return found.length > 0;
  }

  /** One life, and what must hold after it. */
  async function live(about: string): Promise<{ knocks: Tried[]; killed: string | undefined }> {
    const { instance } = scene;
    const knocks = freshKnocks();
    const stream = Promise.all(
      knocks.map(async (knock) => {
        await delay(random.below(LONGEST_LIFE));
        await send(knock);
      }),
    );
    const moments = [random.below(LONGEST_LIFE), random.below(LONGEST_LIFE)].sort((a, b) => a - b);
    const [first = 0, last = 0] = moments;
    await delay(first);
    const killed = await killChild();
    await delay(last - first);
    await instance.kill9();
    const open = await doors.kernel();
    await stream; // the rest of it to nobody
    await instance.start();
    const known = await doors.ledger();
    const lost = [...open].filter(([address, left]) => left > 2 * SHORT && !known.has(address));
    expect(lost, `open at the kill, and lost: ${about}`).toEqual([]);
    await doors.agree();
    // who saw it on the way tries it too, from two addresses
    return { killed, knocks: await Promise.all(knocks.map((knock) => stealTwice(knock, about))) };
  }

  async function stealTwice(knock: Sent, about: string): Promise<Tried> {
    if (!["otp", "ssh"].includes(knock.user.name)) return { ...knock, about, tried: [knock.source] };
    const thieves = [source(), source()];
    for (const thief of thieves) await send(knock, thief);
    return { ...knock, about, tried: [knock.source, ...thieves] };
  }

  test(
    `nothing is lost, used twice or open for too long, ${LIVES} times`,
    async () => {
      const { instance, hosts } = scene;
      const knocks: Tried[] = [];
      const killed: (string | undefined)[] = [];
      for (let n = 1; n <= LIVES; n += 1) {
        const life = await live(`life ${n} of seed ${random.seed}`);
        knocks.push(...life.knocks);
        killed.push(life.killed);
      }
      const over = performance.now() + SHORT + TOLERANCE;
      const inside = await doors.ledger();
      const entered = ({ tried }: Tried): string[] => tried.filter((address) => inside.has(address));
      expect(
        knocks.filter((knock) => entered(knock).length > 1),
        "used twice",
      ).toEqual([]);

      const opened = (name: string): string[] =>
        knocks.filter(({ user }) => user.name === name).flatMap(entered);
      for (const name of ["open", "tcp", "otp", "ssh"])
        expect(opened(name).length, `knocks of ${name} that opened`).toBeGreaterThan(LIVES / 20); // how many is chance
      const someone = opened("otp").at(-1) ?? "";
      expect(await instance.tryConnect(hosts.crowd, 22, { source: someone })).toBe("open");

      await until(() => performance.now() > over, {
        what: "the last short one is over",
        deadline: 2 * SHORT,
      });
      const there = await doors.kernel();
      expect(knocks.filter(({ user, source }) => user.name === "short" && there.has(source))).toEqual([]);
      for (const name of CHILDREN) expect(killed).toContain(name);
    },
    LIVES * 10_000,
  );
});

function isCalled(pid: number, name: string): boolean {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name;
}
