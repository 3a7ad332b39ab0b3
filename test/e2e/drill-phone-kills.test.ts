import { setTimeout as delay } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import { seconds } from "../../src/shared/duration.ts";
import type { EventView } from "../../src/shared/gate/views.ts";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { Callers, type Claim } from "../helpers/callers.ts";
import { type Dice, dice } from "../helpers/dice.ts";
import { Doors, TOLERANCE } from "../helpers/doors.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { runs } from "../helpers/runs.ts";
import { until } from "../helpers/wait.ts";

/**
 * kill -9 at random moments of calls: nothing opens that nobody has confirmed, no code is worth anything twice, and
 * what was opened stays so, for its time.
 */

const { describe, test } = await needsAsterisk("nft", "faketime");

/** At once, each with an Asterisk of its own: what takes long is keying. */
const DRILLS = [1, 2];
/** Of phone-auth, in each drill. */
const LIVES = runs(100, 10);
/** By then those who key no more than PIN and address have confirmed, mostly. ms */
const LONGEST_LIFE = 5_000;
/** Who dies beside phone-auth, in turn. */
const VICTIMS = ["knockd", "link", "nobody"] as const;
/** What is open for short must be closed on time whatever was killed. */
const SHORT = seconds(3);
/** Quick fingers; Asterisk makes a tone no shorter. ms */
const KEYING = { tone: 80, gap: 50 };

/** One server, its callers, and what dies there. */
class Drill {
  private constructor(
    readonly scene: PhoneScene,
    readonly doors: Doors,
    readonly callers: Callers,
    private readonly random: Dice,
  ) {}

  static async open(name: string, { onTestFinished }: TestContext): Promise<Drill> {
    const random = dice(name);
    const scene = await openPhoneScene({ access: { ttl: "12h", max_grants_per_user: 1_000 } });
    onTestFinished(() => scene.close());
    const { instance } = scene;
    const { server, hosts } = scene.scene;
    await hosts.laptop.anyip("11.0.0.0/16");
    const clock = fakeClock(instance.folder);
    instance.env = clock.env;
    await instance.restart();
    const callers = await Callers.add({ instance, host: hosts.laptop, clock, random }, SHORT);
    await scene.becomes("up");
    return new Drill(scene, new Doors(instance, server), callers, random);
  }

  /** One life of phone-auth, in which somebody else may die too; what must hold after it. */
  async live(life: number): Promise<void> {
    const { asterisk } = this.scene;
    const about = `life ${life} of seed ${this.random.seed}`;
    const [moment, another] = [this.random.below(LONGEST_LIFE), this.random.below(LONGEST_LIFE)];
    const victim = VICTIMS[life % VICTIMS.length];
    await this.#everybodyCalls(life, about);
    const deaths = [this.#killPhoneAuth(moment)];
    if (victim === "knockd") deaths.push(this.#killKnockd(another, about));
    if (victim === "link") deaths.push(this.#killLink(another));
    await Promise.all(deaths);
    await until(async () => (await asterisk.channels()).length === 0, {
      what: `no channel is left after ${about}`,
      deadline: 15_000,
    });
    await this.doors.agree();
    await this.#forget(life);
  }

  /** phone-auth dies, and is started again as by systemd. */
  async #killPhoneAuth(moment: number): Promise<void> {
    await delay(moment);
    await this.scene.stop("SIGKILL");
    const { mark } = this.scene;
    this.scene.start();
    await this.#linkComesUp(mark);
  }

  /** Its child dies, and it starts another. */
  async #killLink(moment: number): Promise<void> {
    await delay(moment);
    const { mark } = this.scene;
    const kill = (): boolean => process.kill(this.scene.linkPid, "SIGKILL");
    await until(kill, { what: "there is a link to kill", deadline: 15_000 });
    await this.#linkComesUp(mark);
  }

  #linkComesUp(mark: number): Promise<unknown> {
    return until(() => this.scene.log().slice(mark).includes("the link to Asterisk is up"), {
      what: "the link is up again",
      deadline: 20_000,
    });
  }

  /** knockd dies; what was open then is still known to the next. */
  async #killKnockd(moment: number, about: string): Promise<void> {
    await delay(moment);
    const { instance } = this.scene;
    await instance.kill9();
    const open = await this.doors.kernel();
    await instance.start();
    const known = await this.doors.ledger();
    const lost = [...open].filter(([one, left]) => left > 2 * SHORT && !known.has(one));
    expect(lost, `open at the kill, and lost: ${about}`).toEqual([]);
  }

  /** So that nobody has to wait because his calls were cut off, and no request of long ago is in the way. */
  async #forget(life: number): Promise<void> {
    const { instance } = this.scene;
    await instance.ask("unlock", { who: "all" }).catch(() => undefined); // nobody had got as far as a PIN
    if (life % 2 === 1) return;
    const { pending } = await instance.ask("pending");
    for (const { id } of pending) await instance.ask("deny", { id });
  }

  /** Everybody calls, and nobody dies: those who confirm are let in. */
  async rest(): Promise<void> {
    const about = "after the last life";
    await this.#everybodyCalls(LIVES + 1, about);
    const claims = this.callers.claims.filter((claim) => claim.about === about && mostOf(claim) > 0);
    const all = async (): Promise<boolean> => {
      const opened = await this.opened();
      return claims.every((claim) => openings(claim, opened).length > 0);
    };
    await until(all, { what: "all who confirm are let in", deadline: 30_000, every: 200 });
  }

  async #everybodyCalls(round: number, about: string): Promise<void> {
    const calls = await this.callers.next(round, about);
    const dial = (keys: string, n: number) =>
      this.scene.asterisk.call({ keys, number: String(5_550_100 + n), ...KEYING });
    await Promise.all(calls.map(dial));
  }

  /** @returns the address of each opening that there ever was, by the history */
  async opened(): Promise<string[]> {
    const { events }: { events: EventView[] } = await this.scene.instance.ask("history");
    return events
      .filter(({ event }) => ["opened", "renewed", "extended"].includes(event))
      .map(({ address }) => address ?? "");
  }

  /** Waits until exactly these are let in, by kernel and ledger. */
  async isOpenOnlyTo(addresses: readonly string[]): Promise<void> {
    const all = [...addresses].sort().join();
    await until(async () => [...(await this.doors.kernel()).keys()].sort().join() === all, {
      what: "all that was ever opened for long is open, and nothing else",
      deadline: SHORT + TOLERANCE,
    });
    await this.doors.agree();
  }
}

/** @returns how often a claim may be opened */
const mostOf = ({ kind }: Claim): number => (kind === "unconfirmed" ? 0 : 1);

/** @returns those of a list of openings that are of a claim */
const openings = ({ addresses }: Claim, opened: readonly string[]): string[] =>
  opened.filter((address) => addresses.includes(address));

describe("through kill -9 at random moments of calls", { concurrent: true }, () => {
  for (const n of DRILLS)
    test(
      `nothing is lost, opened unasked, opened twice by one code or open for too long, ${LIVES} times, by crowd ${n}`,
      async (context) => {
        const drill = await Drill.open(`kill -9 during calls ${n}`, context);
        for (let life = 1; life <= LIVES; life += 1) await drill.live(life);
        const amid = (await drill.opened()).length;
        console.log(`${amid} doors were opened amid it`);
        expect(amid, "doors opened amid it").toBeGreaterThan(LIVES / 4);
        await drill.rest();

        const { claims } = drill.callers;
        const opened = await drill.opened();
        expect(claims.filter((claim) => openings(claim, opened).length > mostOf(claim))).toEqual([]);
        const lasting = claims.filter(({ kind }) => kind !== "short");
        await drill.isOpenOnlyTo(lasting.flatMap((claim) => openings(claim, opened)));
      },
      60_000 + LIVES * 30_000,
    );
});
