import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AriLink, LinkEvent } from "../../src/phone-auth/link/link.ts";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import { until } from "../helpers/wait.ts";

/** The caller's side of a call. */
export interface Phone {
  press(keys: string): Promise<void>;
  hangUp(): Promise<void>;
  lasts(): Promise<boolean>;
}

/** A link that is up or on its way there, with a hand on the PBX behind it. */
export interface Bench {
  readonly link: AriLink;
  /** All that the link told, in order. */
  readonly events: LinkEvent[];
  /** Somebody whose caller ID is 5550100 calls, from the endpoint `PJSIP/phone`. */
  call(): Promise<Phone>;
  /** Endpoints by what they do when they are rung. */
  readonly endpoints: Readonly<Record<"picks up" | "is busy" | "does not exist" | "rings", string>>;
  /** A dialplan function and its value. */
  readonly variable: { readonly name: string; readonly value: string };
  /** Lets what plays or rings run to its end, where time does not pass by itself. */
  pass(): void;
  channels(): Promise<readonly string[]>;
  close(): Promise<void>;
}

type Of<Kind extends LinkEvent["kind"]> = Extract<LinkEvent, { kind: Kind }>;

/** What holds for every link to a PBX: run on the fake and on a real Asterisk. */
export function ariLinkContract(name: string, open: () => Promise<Bench>): void {
  describe(`ari-link to ${name}`, () => {
    let bench: Bench;
    let link: AriLink;
    const phones: Phone[] = [];
    let ids = 0;
    const fresh = (): string => `test-${++ids}`;
    const told = <Kind extends LinkEvent["kind"]>(kind: Kind): Of<Kind>[] =>
      bench.events.filter((event): event is Of<Kind> => event.kind === kind);
    const next = <Kind extends LinkEvent["kind"]>(
      kind: Kind,
      fits: (event: Of<Kind>) => boolean = () => true,
    ) => until(() => told(kind).find(fits), { what: `the link tells of ${kind}`, deadline: 10_000 });

    beforeAll(async () => {
      bench = await open();
      link = bench.link;
      await until(() => link.state.state === "up", { what: "the link is up", deadline: 10_000 });
    });
    afterAll(() => bench?.close());
    afterEach(async () => {
      for (const phone of phones.splice(0)) await phone.hangUp(); // a failed test's too
      const isGone = ({ channel }: Of<"call">) => told("gone").some((event) => event.channel === channel);
      await until(() => told("call").every(isGone), { what: "the link tells of the end of every call" });
    });
    beforeEach(async () => {
      await until(async () => (await bench.channels()).length === 0, { what: "no call is left" });
      bench.events.length = 0;
    });

    async function call(): Promise<Phone> {
      const phone = await bench.call();
      phones.push(phone);
      return phone;
    }

    /** A call that was answered. */
    async function answered() {
      const phone = await call();
      const { channel } = await next("call");
      expect(await link.answer(channel)).toMatchObject({ ok: true });
      return { phone, channel };
    }

    test("tells of a call: by whom, from where, with what arguments", async () => {
      await call();
      const arrival = await next("call");
      expect(arrival).toMatchObject({
        endpoint: "PJSIP/phone",
        number: "5550100",
        context: "internal",
        args: [],
      });
      expect(arrival.channel).not.toBe("");
    });

    test("tells of every key once, in order", async () => {
      const { phone, channel } = await answered();
      await phone.press("1234567890*#55");
      await until(() => told("digit").length === 14, { what: "14 keys", deadline: 10_000 });
      expect(
        told("digit")
          .map(({ digit }) => digit)
          .join(""),
      ).toBe("1234567890*#55");
      expect(told("digit").every((event) => event.channel === channel)).toBe(true);
    });

    test("plays a list to its end, and says so once", async () => {
      const { phone, channel } = await answered();
      const playback = fresh();
      expect(await link.play(channel, playback, ["sound:digits/1", "sound:letters/dot"])).toMatchObject({
        ok: true,
      });
      bench.pass();
      await next("played", (event) => event.playback === playback);
      await phone.hangUp();
      await next("gone");
      expect(told("played")).toHaveLength(1);
    });

    test("says of a recording that does not exist that its play is over", async () => {
      const { channel } = await answered();
      const playback = fresh();
      await link.play(channel, playback, ["sound:no-such-recording"]);
      bench.pass();
      await next("played", (event) => event.playback === playback);
    });

    test("stops a play at once, and not a second time", async () => {
      const { channel } = await answered();
      const playback = fresh();
      await link.play(channel, playback, Array(20).fill("sound:digits/9"));
      const begin = performance.now();
      expect(await link.stop(playback)).toMatchObject({ ok: true });
      await next("played", (event) => event.playback === playback);
      expect(performance.now() - begin).toBeLessThan(1_000); // 20 nines take 10 s
      expect(await link.stop(playback)).toMatchObject({ ok: false, why: "gone" });
    });

    test("tells once that a caller hung up, and finds him gone from then on", async () => {
      const { phone, channel } = await answered();
      await phone.hangUp();
      await next("gone", (event) => event.channel === channel);
      for (const outcome of [
        await link.answer(channel),
        await link.play(channel, fresh(), ["sound:digits/1"]),
        await link.hangUp(channel),
      ])
        expect(outcome).toMatchObject({ ok: false, why: "gone" });
      expect(told("gone")).toHaveLength(1);
    });

    test("hangs up, in the middle of a play too", async () => {
      const { phone, channel } = await answered();
      await link.play(channel, fresh(), Array(20).fill("sound:digits/9"));
      expect(await link.hangUp(channel)).toMatchObject({ ok: true });
      await next("gone", (event) => event.channel === channel);
      await until(async () => !(await phone.lasts()), { what: "the caller is told" });
    });

    test("reads a dialplan function, and fails on one that does not exist", async () => {
      const { channel } = await answered();
      expect(await link.variable(channel, bench.variable.name)).toMatchObject({
        ok: true,
        value: bench.variable.value,
      });
      expect(await link.variable(channel, "NO_SUCH(thing)")).toMatchObject({ ok: false, why: "failed" });
    });

    /** Rings an endpoint. */
    async function ring(what: keyof Bench["endpoints"], ringFor = seconds(5)) {
      const channel = fresh();
      const endpoint = bench.endpoints[what];
      const outcome = await link.ring({
        channel,
        endpoint,
        args: ["callback"],
        callerId: "knockline <864>",
        ringFor,
      });
      return { channel, outcome };
    }

    test("rings somebody, who picks up", async () => {
      const { channel, outcome } = await ring("picks up");
      expect(outcome).toMatchObject({ ok: true });
      expect(await next("call")).toMatchObject({ channel, args: ["callback"] });
      await link.hangUp(channel);
      await next("gone", (event) => event.channel === channel);
    });

    test("says that a phone is busy", async () => {
      const { channel } = await ring("is busy");
      expect(await next("gone")).toEqual({ kind: "gone", channel, cause: 17 });
      expect(told("call")).toHaveLength(0);
    });

    test("says that nobody picked up in the time he was rung", async () => {
      const { channel } = await ring("rings", milliseconds(1_000));
      bench.pass();
      expect(await next("gone")).toEqual({ kind: "gone", channel, cause: 19 });
    });

    test("says that an endpoint cannot be rung", async () => {
      expect((await ring("does not exist")).outcome).toMatchObject({ ok: false, why: "failed" });
      expect(told("gone")).toHaveLength(0);
    });
  });
}
