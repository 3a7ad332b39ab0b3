import { generateSync } from "otplib";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import type { AsteriskCall } from "../helpers/asterisk.ts";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import type { User } from "../helpers/instance.ts";
import { LogPipe } from "../helpers/log-pipe.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");

/** With this begins the question for a code or an address. */
const MENU = "code-or";

describe("a call", () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ access: { ttl: "1h" } });
    await laptop().anyip("203.0.113.0/24");
  });
  afterAll(async () => {
    const noneLeft = async () => (await scene.asterisk.channels()).length === 0;
    await until(noneLeft, { what: "no channel is left", deadline: 15_000 }).finally(() => scene?.close());
  });

  interface PhoneUser extends User {
    readonly pin: string;
    readonly otp_uri?: string;
  }

  const add = async (name: string, options: string[] = []) =>
    (await scene.instance.addUser(name, ["--pin", ...options])) as PhoneUser;

  const { laptop } = { laptop: () => scene.scene.hosts.laptop };
  const star = (address: string) => address.replaceAll(".", "*");
  const of = <Of extends { user: string | null }>(user: string, list: Of[]) =>
    list.filter((one) => one.user === user);
  const grants = async (user: string) =>
    of<{ user: string; address: string }>(user, (await scene.instance.ask("list")).grants);
  const pending = async (user: string) =>
    of<{ user: string; address: string }>(user, (await scene.instance.ask("pending")).pending);
  const history = async () =>
    (await scene.instance.ask("history")).events as { event: string; user: string; reason: string }[];
  const opens = (source: string) =>
    until(async () => (await scene.instance.tryConnect(laptop(), 22, { source })) === "open", {
      what: "ssh opens",
      deadline: 10_000,
    });

  /** Knocks until a request waits: beside eight calls a machine may be too busy to hear three ports in their order. */
  const ask = (who: PhoneUser, payload: string, source: string) =>
    until(
      async () => {
        await scene.instance.knock(laptop(), who, { payload, source });
        return (await pending(who.name)).some(({ address }) => address === source);
      },
      { what: `a request of ${who.name} waits`, deadline: 10_000, every: 500 },
    );

  /** Calls within Asterisk, where it is known which caller hears what, and keys a PIN. */
  async function signIn(pin: string, number: string, next = MENU): Promise<AsteriskCall> {
    const call = await scene.asterisk.call({ number });
    await call.hears("confbridge-pin");
    await call.press(`${pin}#`);
    await call.hears(next);
    return call;
  }

  /** Keys an address, and confirms it when it is read back. */
  async function keyAndConfirm(call: AsteriskCall, address: string): Promise<void> {
    await call.press(`${star(address)}#`);
    await call.hears("you-entered");
    await call.press("1");
  }

  // alone, and over SIP, as by a phone of the house: it is timed
  test("with PIN and keyed address opens the door for that address, in under 40 s, and it closes at its time", async () => {
    const alice = await add("alice", ["--ttl", "8s"]);
    const began = performance.now();
    const call = await scene.callAndBeAsked({ as: "phone" });
    await call.press(`${alice.pin}#`);
    await call.press(`${star(laptop().address)}#`);
    const isReadBack = () => scene.asterisk.played().includes("you-entered");
    await until(isReadBack, { what: "it is read back", deadline: 15_000 });
    await call.press("1");
    await opens(laptop().address);
    expect(performance.now() - began).toBeLessThan(40_000);
    const listed = await scene.scene.server.run("nft", ["list", "set", "inet", "knockline", "ssh4"]);
    expect(listed.stdout).toContain(laptop().address);
    expect(await grants("alice")).toMatchObject([{ by: "phone", address: laptop().address }]);
    await call.isOver(20_000);
    await until(async () => (await scene.instance.tryConnect(laptop(), 22)) === "silent", {
      what: "it closes",
      deadline: 12_000,
    });
  });

  // from here on at once: each has a user, a number and an address of his own
  test.concurrent("opens what a knock asked for, by its code; without a call it never opens", async () => {
    const [source, bob] = ["203.0.113.21", await add("bob", ["--approval", "phone"])];
    await ask(bob, "482193", source);
    expect(await pending("bob")).toHaveLength(1);
    expect(await scene.instance.tryConnect(laptop(), 22, { source })).toBe("silent");
    const call = await signIn(bob.pin, "5550121");
    await call.press("482193#");
    await opens(source);
    expect(await pending("bob")).toEqual([]);
    await call.isOver(20_000);
  });

  test.concurrent("reads requests out instead when two have the same code", async () => {
    const carl = await add("carl", ["--approval", "phone"]);
    for (const source of ["203.0.113.7", "203.0.113.8"]) await ask(carl, "555777", source);
    expect(await pending("carl")).toHaveLength(2);
    const call = await signIn(carl.pin, "5550122");
    await call.press("555777#");
    await call.hears("letters/dot", 3);
    expect(await grants("carl")).toEqual([]);
    await until(
      async () => {
        await call.press("1");
        return (await grants("carl")).length >= 1; // a key more may have opened the other one, too
      },
      { what: "1 opens what is read out", deadline: 15_000, every: 1_000 },
    );
    expect((await grants("carl")).map(({ address }) => address)).toContain("203.0.113.7");
    await call.hangUp();
  });

  test.concurrent("with an address that is never let in is told so politely, and opens nothing", async () => {
    const { pin } = await add("nobody");
    const addresses = [
      "256.1.1.1",
      "0.0.0.0",
      "127.0.0.1",
      "169.254.1.1",
      "224.1.1.1",
      "255.255.255.255",
      "198.51.100.1", // the server's own
      "10.1.2.3",
    ];
    await Promise.all(
      addresses.map(async (address, n) => {
        const call = await signIn(pin, String(5_550_200 + n));
        await call.press(`${star(address)}#`);
        await call.hears("privacy-incorrect");
        await call.press("1#"); // 1 would confirm it, had it been read back
        await call.hears("privacy-incorrect", 2);
        expect(call.heard(), address).not.toContain("you-entered");
        await call.hangUp();
      }),
    );
    expect(await grants("nobody")).toEqual([]);
  }, 90_000);

  test.concurrent("with a wrong PIN three times ends, is in the history without a digit, and makes the caller wait", async () => {
    const wrong = async () => (await history()).filter(({ event }) => event === "pin-wrong");
    const call = await scene.asterisk.call({ number: "5550123" });
    await call.hears("confbridge-pin");
    for (const pin of ["97531864", "86420975", "75319864"]) await call.press(`${pin}#w`);
    await call.isOver(30_000);
    expect((await wrong()).length).toBe(3);
    expect(JSON.stringify(await wrong())).not.toMatch(/97531864|86420975|75319864/);
    const again = await scene.asterisk.call({ number: "5550123" });
    await again.hears("confbridge-pin");
    await again.press("97531864#");
    await again.isOver(30_000);
    expect((await wrong()).length).toBe(3);
  });

  test.concurrent("needs the authenticator's code too, where the user has one; a code opens once across phone and knock", async () => {
    const [source, dora] = ["203.0.113.24", await add("dora", ["--otp"])];
    const secret = new URL(dora.otp_uri ?? "").searchParams.get("secret") ?? "";
    const code = generateSync({ secret });
    const call = await signIn(dora.pin, "5550124", "ask-authenticator");
    await call.press(`${code}#`);
    await call.hears(MENU);
    await keyAndConfirm(call, source);
    await until(async () => (await grants("dora")).length === 1, { what: "it opens", deadline: 10_000 });
    await call.isOver(20_000);
    await scene.instance.must(["revoke", "dora"]);
    await scene.instance.must(["user", "set", "dora", "--proof", "otp"]);
    await until(
      async () => {
        await scene.instance.knock(laptop(), dora, { payload: code, source });
        return (await history()).some(({ event, user }) => event === "otp-wrong" && user === "dora");
      },
      { what: "the used code is refused at the knock", deadline: 5_000, every: 1_000 },
    );
    expect(await grants("dora")).toEqual([]);
  });

  test("goes on to work after knockd was killed in the middle of one: nothing opened, and the next call opens", async () => {
    const [source, emma] = ["203.0.113.25", await add("emma")];
    const call = await signIn(emma.pin, "5550125");
    await scene.instance.kill9();
    await call.press(`${star(source)}#`);
    await call.isOver(30_000);
    await scene.instance.start();
    await scene.becomes("up");
    expect(await grants("emma")).toEqual([]);
    const again = await signIn(emma.pin, "5550125");
    await keyAndConfirm(again, source);
    await until(async () => (await grants("emma")).length === 1, {
      what: "the next call opens",
      deadline: 10_000,
    });
    await again.isOver(20_000);
  });

  // the last one: its phone-auth has nobody who reads its log
  test("opens while nobody reads phone-auth's log, and after its reader has gone", async () => {
    const { pin } = await add("fay");
    const pipe = new LogPipe();
    onTestFinished(() => pipe.remove());
    await scene.stop();
    scene.start(pipe.under);
    await scene.becomes("up");
    const callAndOpen = async (): Promise<void> => {
      const call = await scene.callAndBeAsked();
      await call.press(`${pin}#${star(laptop().address)}#1`);
      await until(async () => (await grants("fay")).length === 1, {
        what: "the call opens",
        deadline: 20_000,
      });
      await scene.instance.must(["revoke", "fay"]);
      await call.hangUp();
    };
    await callAndOpen();
    const said = (): string[] => pipe.read().map((line) => JSON.parse(line).msg);
    await until(() => said().includes("phone-auth is up"), { what: "what waited for a reader is read" });
    pipe.close();
    await callAndOpen();
  });
});
