import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { seconds } from "../../src/shared/duration.ts";
import type { EventView } from "../../src/shared/gate/views.ts";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { dice } from "../helpers/dice.ts";
import { Doors, TOLERANCE } from "../helpers/doors.ts";
import { type FakeClock, fakeClock } from "../helpers/fake-clock.ts";
import type { User } from "../helpers/instance.ts";
import { totp } from "../helpers/proofs.ts";
import { runs } from "../helpers/runs.ts";
import { until } from "../helpers/wait.ts";

/**
 * kill -9 at random moments of calls: nothing opens that nobody has confirmed, no code is worth anything twice, and
 * what was opened stays so, for its time.
 */

const { describe, test } = await needsAsterisk("nft", "faketime");

const LIVES = runs(200, 20);
/** By then most callers have confirmed. ms */
const LONGEST_LIFE = 6_000;
/** What is open for short must be closed on time whatever was killed. */
const SHORT = seconds(3);
/** Quick fingers; Asterisk makes a tone no shorter. ms */
const KEYING = { tone: 80, gap: 50 };

interface PhoneUser extends User {
  readonly pin: string;
  readonly otp_uri?: string;
}

/** What one secret may open: one of its addresses, once; without a confirmation none. */
interface Claim {
  readonly kind: "plain" | "short" | "otp" | "code" | "unconfirmed";
  readonly about: string;
  readonly addresses: readonly string[];
}

const star = (address: string): string => address.replaceAll(".", "*");

/** Keys of a call; the first half second is for its first question. */
const keysOf = ({ pin }: PhoneUser, ...entries: string[]): string =>
  `w${[pin, ...entries].map((entry) => `${entry}#`).join("")}`;

describe("through kill -9 at random moments of calls", () => {
  let scene: PhoneScene;
  let doors: Doors;
  let clock: FakeClock;
  let users: Record<"plain" | "short" | "otp" | "code", PhoneUser>;
  let addresses = 0;
  /** Keys of calls that try a code of the life before again. bounded: two */
  const overheard: string[] = [];
  const claims: Claim[] = []; // bounded: five a life
  const random = dice("kill -9 during calls");

  beforeAll(async () => {
    scene = await openPhoneScene({ access: { ttl: "12h", max_grants_per_user: 1_000 } });
    const { instance } = scene;
    const { server, hosts } = scene.scene;
    doors = new Doors(instance, server);
    clock = fakeClock(instance.folder);
    instance.env = clock.env;
    await hosts.laptop.anyip("11.0.0.0/16");
    await instance.restart();
    const add = async (name: string, options: string[] = []) =>
      (await instance.addUser(name, ["--pin", ...options])) as PhoneUser;
    users = {
      plain: await add("plain"),
      short: await add("short", ["--ttl", `${SHORT / 1_000}s`]),
      otp: await add("otp", ["--otp"]),
      code: await add("code", ["--approval", "phone"]),
    };
    await scene.becomes("up");
  }, 90_000);
  afterAll(() => scene?.close());

  function address(): string {
    addresses += 1;
    return `11.0.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`;
  }

  function claim(kind: Claim["kind"], about: string, ...named: string[]): void {
    claims.push({ kind, about, addresses: named });
  }

  /** Calls that need no more than a PIN. @returns their keys */
  function plainCalls(about: string): string[] {
    const [plain, short, unconfirmed] = [address(), address(), address()];
    claim("plain", about, plain);
    claim("short", about, short);
    claim("unconfirmed", about, unconfirmed);
    return [
      `${keysOf(users.plain, star(plain))}w1`,
      `${keysOf(users.short, star(short))}w1`,
      keysOf(users.plain, star(unconfirmed)),
    ];
  }

  /** An authenticator's code, keyed by two callers at once, who want different addresses. @returns their keys */
  function otpCalls(about: string): string[] {
    clock.ahead += 30;
    const code = totp(users.otp.otp_uri ?? "", Math.floor(clock.now / 30_000));
    const named = [address(), address(), address()];
    claim("otp", about, ...named);
    const [first = "", second = "", third = ""] = named.map(
      (one) => `${keysOf(users.otp, code, star(one))}w1`,
    );
    overheard.push(third);
    return [first, second];
  }

  /** A knock's code, keyed by two callers at once. @returns their keys */
  async function codeCalls(about: string): Promise<string[]> {
    const [source, payload] = [address(), String(100_000 + random.below(900_000))];
    claim("code", about, source);
    await scene.instance.knock(scene.scene.hosts.laptop, users.code, { source, payload });
    const keys = keysOf(users.code, payload);
    overheard.push(keys);
    return [keys, keys];
  }

  /** Keys of the calls of a life: with new codes, or with those of the life before. */
  async function callsOf(life: number, about: string): Promise<string[]> {
    if (life % 2 === 0) return [...plainCalls(about), ...overheard.splice(0)];
    return [...plainCalls(about), ...otpCalls(about), ...(await codeCalls(about))];
  }

  /** phone-auth dies, and is started again as by systemd. */
  async function killPhoneAuth(moment: number): Promise<void> {
    await delay(moment);
    await scene.stop("SIGKILL");
    const { mark } = scene;
    scene.start();
    await linkComesUp(mark);
  }

  /** Its child dies, and it starts another. */
  async function killLink(moment: number): Promise<void> {
    await delay(moment);
    const { mark } = scene;
    const kill = (): boolean => process.kill(scene.linkPid, "SIGKILL");
    await until(kill, { what: "there is a link to kill", deadline: 15_000 });
    await linkComesUp(mark);
  }

  const linkComesUp = (mark: number) =>
    until(() => scene.log().slice(mark).includes("the link to Asterisk is up"), {
      what: "the link is up again",
      deadline: 20_000,
    });

  /** knockd dies; what was open then is still known to the next. */
  async function killKnockd(moment: number, about: string): Promise<void> {
    await delay(moment);
    await scene.instance.kill9();
    const open = await doors.kernel();
    await scene.instance.start();
    const known = await doors.ledger();
    const lost = [...open].filter(([one, left]) => left > 2 * SHORT && !known.has(one));
    expect(lost, `open at the kill, and lost: ${about}`).toEqual([]);
  }

  /** One life of phone-auth, in which somebody else may die too. @returns who it was */
  async function live(life: number): Promise<string> {
    const { asterisk } = scene;
    const about = `life ${life} of seed ${random.seed}`;
    const [moment, another] = [random.below(LONGEST_LIFE), random.below(LONGEST_LIFE)];
    const victim = random.of(["knockd", "link", "nobody"]);
    const calls = await callsOf(life, about);
    await Promise.all(
      calls.map((keys, n) => asterisk.call({ keys, number: String(5_550_100 + n), ...KEYING })),
    );
    const deaths = [killPhoneAuth(moment)];
    if (victim === "knockd") deaths.push(killKnockd(another, about));
    if (victim === "link") deaths.push(killLink(another));
    await Promise.all(deaths);
    await until(async () => (await asterisk.channels()).length === 0, {
      what: `no channel is left after ${about}`,
      deadline: 15_000,
    });
    await doors.agree();
    await forget(life);
    return victim;
  }

  /** So that nobody has to wait for being interrupted, and no request of long ago is in the way. */
  async function forget(life: number): Promise<void> {
    const { instance } = scene;
    await instance.ask("unlock", { who: "all" }).catch(() => undefined); // nobody had got as far as a PIN
    if (life % 2 === 1) return;
    const { pending } = await instance.ask("pending");
    for (const { id } of pending) await instance.ask("deny", { id });
  }

  test(
    `nothing is lost, opened unasked, opened twice by one code or open for too long, ${LIVES} times`,
    async () => {
      const { instance } = scene;
      const victims: string[] = [];
      for (let life = 1; life <= LIVES; life += 1) victims.push(await live(life));

      const { events }: { events: EventView[] } = await instance.ask("history");
      const opened = events
        .filter(({ event }) => ["opened", "renewed", "extended"].includes(event))
        .map(({ address }) => address ?? "");
      const openings = (one: Claim): string[] => opened.filter((address) => one.addresses.includes(address));
      const most = ({ kind }: Claim): number => (kind === "unconfirmed" ? 0 : 1);
      const tooOften = claims.filter((one) => openings(one).length > most(one));
      const said = events.filter(({ address }) =>
        tooOften.some((one) => one.addresses.includes(address ?? "")),
      );
      expect(tooOften, JSON.stringify(said)).toEqual([]);

      const ofKind = (kind: Claim["kind"]): string[] =>
        claims.filter((one) => one.kind === kind).flatMap(openings);
      const times = (["plain", "short", "otp", "code"] as const).map((kind) => [kind, ofKind(kind).length]);
      console.log("opened:", Object.fromEntries(times), "killed beside phone-auth:", victims.join(" "));
      for (const [kind, count] of times)
        expect(count, `calls of kind ${kind} that opened`).toBeGreaterThan(LIVES / 10);

      const lasting = [...ofKind("plain"), ...ofKind("otp"), ...ofKind("code")].sort();
      await until(async () => [...(await doors.kernel()).keys()].sort().join() === lasting.join(), {
        what: "all that was ever opened for long is open, and nothing else",
        deadline: SHORT + TOLERANCE,
      });
      await doors.agree();
      for (const victim of ["knockd", "link"]) expect(victims).toContain(victim);
      await (await scene.callAndBeAsked()).hangUp();
    },
    60_000 + LIVES * 30_000,
  );
});
