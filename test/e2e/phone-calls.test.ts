import { generateSync } from "otplib";
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from "vitest";
import type { AsteriskCall } from "../helpers/asterisk.ts";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import type { User } from "../helpers/instance.ts";
import { LogPipe } from "../helpers/log-pipe.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");

describe("a call", () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ access: { ttl: "1h" } });
  });
  afterAll(() => scene?.close());
  afterEach(async () => {
    await until(async () => (await scene.asterisk.channels()).length === 0, {
      what: "no channel is left",
      deadline: 15_000,
    });
    await scene.instance.must(["revoke", "--all"]);
  });

  interface PhoneUser extends User {
    readonly pin: string;
    readonly otp_uri?: string;
  }

  const add = async (name: string, options: string[] = []) =>
    (await scene.instance.addUser(name, ["--pin", ...options])) as PhoneUser;

  const { laptop } = { laptop: () => scene.scene.hosts.laptop };
  const star = (address: string) => address.replaceAll(".", "*");
  const grants = async () => (await scene.instance.json(["list"])).grants;
  const history = async () =>
    (await scene.instance.json(["history"])).events as { event: string; user: string; reason: string }[];

  /** Waits until a prompt was played once more than `before`. */
  const heard = (prompt: string, before: number, deadline = 15_000) =>
    until(() => count(prompt) > before, { what: `${prompt} is heard`, deadline });
  const count = (prompt: string) => scene.asterisk.played().filter((played) => played === prompt).length;

  /** Calls as a phone of the house and keys a PIN. */
  async function signIn(pin: string, as: "phone" | "trunk" = "phone"): Promise<AsteriskCall> {
    const call = await scene.callAndBeAsked({ as });
    await call.press(`${pin}#`);
    return call;
  }

  /** Keys something that is read back, and confirms it when it has been. */
  async function keyAndConfirm(call: AsteriskCall, keys: string): Promise<void> {
    const before = count("you-entered");
    await call.press(keys);
    await heard("you-entered", before);
    await call.press("1");
  }

  test("with PIN and keyed address opens the door for that address, in under 40 s, and it closes at its time", async () => {
    const alice = await add("alice", ["--ttl", "8s"]);
    const began = performance.now();
    const call = await signIn(alice.pin);
    await keyAndConfirm(call, `${star(laptop().address)}#`);
    await until(async () => (await scene.instance.tryConnect(laptop(), 22)) === "open", {
      what: "ssh opens",
      deadline: 10_000,
    });
    expect(performance.now() - began).toBeLessThan(40_000);
    const listed = await scene.scene.server.run("nft", ["list", "set", "inet", "knockline", "ssh4"]);
    expect(listed.stdout).toContain(laptop().address);
    expect(await grants()).toMatchObject([{ user: "alice", by: "phone", address: laptop().address }]);
    await call.isOver(20_000);
    await until(async () => (await scene.instance.tryConnect(laptop(), 22)) === "silent", {
      what: "it closes",
      deadline: 12_000,
    });
  });

  test("opens what a knock asked for, by its code; without a call it never opens", async () => {
    const bob = await add("bob", ["--approval", "phone"]);
    await scene.instance.knock(laptop(), bob, { payload: "482193" });
    await until(async () => (await scene.instance.json(["pending"])).pending.length === 1, {
      what: "the request waits",
      deadline: 5_000,
    });
    expect(await scene.instance.tryConnect(laptop(), 22)).toBe("silent");
    const call = await signIn(bob.pin);
    await call.press("482193#");
    await until(async () => (await scene.instance.tryConnect(laptop(), 22)) === "open", {
      what: "ssh opens",
      deadline: 10_000,
    });
    expect((await scene.instance.json(["pending"])).pending).toEqual([]);
    await call.isOver(20_000);
  });

  test("reads requests out instead when two have the same code", async () => {
    const carl = await add("carl", ["--approval", "phone"]);
    await laptop().anyip("203.0.113.0/24");
    for (const source of ["203.0.113.7", "203.0.113.8"])
      await scene.instance.knock(laptop(), carl, { payload: "555777", source });
    await until(async () => (await scene.instance.json(["pending"])).pending.length === 2, {
      what: "two requests wait",
      deadline: 5_000,
    });
    const call = await signIn(carl.pin);
    const dots = count("letters/dot");
    await call.press("555777#");
    await heard("letters/dot", dots + 2);
    expect(await grants()).toEqual([]);
    await until(
      async () => {
        await call.press("1");
        return (await grants()).length >= 1; // a key more may have opened the other one, too
      },
      { what: "1 opens what is read out", deadline: 15_000, every: 1_000 },
    );
    expect((await grants()).map((one: { address: string }) => one.address)).toContain("203.0.113.7");
    await call.hangUp();
    for (const { id } of (await scene.instance.json(["pending"])).pending)
      await scene.instance.must(["deny", id]);
  });

  test("with an address that is never let in is told so politely, and opens nothing", async () => {
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
        const call = await scene.asterisk.call({ number: String(5_550_200 + n) });
        await call.hears("confbridge-pin");
        await call.press(`${pin}#`);
        await call.hears("astcc-followed-by-the-pound-key");
        await call.press(`${star(address)}#`);
        await call.hears("privacy-incorrect");
        await call.press("1#"); // 1 would confirm it, had it been read back
        await call.hears("privacy-incorrect", 2);
        expect(call.heard(), address).not.toContain("you-entered");
        await call.hangUp();
      }),
    );
    expect(await grants()).toEqual([]);
  }, 90_000);

  test("with a wrong PIN three times ends, is in the history without a digit, and makes the caller wait", async () => {
    const call = await scene.callAndBeAsked({ as: "trunk" });
    for (const pin of ["97531864", "86420975", "75319864"]) {
      await call.press(`${pin}#w`);
    }
    await call.isOver(30_000);
    expect((await history()).filter(({ event }) => event === "pin-wrong").length).toBe(3);
    const again = await scene.callAndBeAsked({ as: "trunk" });
    await again.press("97531864#");
    await again.isOver(30_000);
    expect((await history()).filter(({ event }) => event === "pin-wrong").length).toBe(3);
    await scene.instance.must(["unlock", "all"]);
  });

  test("needs the authenticator's code too, where the user has one; a code opens once across phone and knock", async () => {
    const dora = await add("dora", ["--otp"]);
    const secret = new URL(dora.otp_uri ?? "").searchParams.get("secret") ?? "";
    const code = generateSync({ secret });
    const call = await signIn(dora.pin);
    await call.press(`w${code}#w`);
    await keyAndConfirm(call, `${star(laptop().address)}#`);
    await until(async () => (await grants()).length === 1, { what: "it opens", deadline: 10_000 });
    await call.isOver(20_000);
    await scene.instance.must(["revoke", "--all"]);
    await scene.instance.must(["user", "set", "dora", "--proof", "otp"]);
    await scene.scene.hosts.laptop.agent.send({
      address: scene.instance.host.address,
      ports: dora.steps.map(({ port }) => port),
      payload: code,
    });
    await until(
      async () => (await history()).some(({ event, user }) => event === "otp-wrong" && user === "dora"),
      { what: "the used code is refused at the knock", deadline: 5_000 },
    );
    expect(await grants()).toEqual([]);
  });

  test("goes on to work after knockd was killed in the middle of one: nothing opened, and the next call opens", async () => {
    const emma = await add("emma");
    const call = await signIn(emma.pin);
    await scene.instance.kill9();
    await call.press(`${star(laptop().address)}#`);
    await call.isOver(30_000);
    await scene.instance.start();
    await scene.becomes("up");
    expect(await grants()).toEqual([]);
    const again = await signIn(emma.pin);
    await keyAndConfirm(again, `${star(laptop().address)}#`);
    await until(async () => (await grants()).length === 1, { what: "the next call opens", deadline: 10_000 });
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
    const opens = async (): Promise<void> => {
      const call = await scene.callAndBeAsked();
      await call.press(`${pin}#${star(laptop().address)}#1`);
      await until(async () => (await grants()).length === 1, { what: "the call opens", deadline: 20_000 });
      await scene.instance.must(["revoke", "--all"]);
      await call.hangUp();
    };
    await opens();
    const said = (): string[] => pipe.read().map((line) => JSON.parse(line).msg);
    await until(() => said().includes("phone-auth is up"), { what: "what waited for a reader is read" });
    pipe.close();
    await opens();
  });
});
