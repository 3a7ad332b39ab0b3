import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { EventView, PendingRequestView } from "../../src/shared/gate/views.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import type { Host, Running } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { totp } from "../helpers/proofs.ts";
import { until } from "../helpers/wait.ts";
import { Watching } from "../helpers/watching.ts";

const { describe } = needs("namespaces", "nft");
const { test: testWithOathtool } = needs("oathtool");
const { test } = needs();

/** A user as `user add --json` tells him, this once. */
type Added = User & { otp_uri: string; pin?: string };

/** Addresses that a forger speaks from. */
const FORGED = "10.77.0.0/24";
const forged = (n: number): string => `10.77.0.${n}`;

/** The step that now is. */
const thisStep = (): number => Math.floor(Date.now() / 30_000);

/** A code that is wrong now and for the steps around. */
function wrongCode(user: Added): string {
  const good = [-2, -1, 0, 1, 2].map((n) => totp(user.otp_uri, thisStep() + n));
  return ["314159", "271828", "161803"].find((code) => !good.includes(code)) ?? "";
}

describe("one-time codes", () => {
  let scene: Scene<"laptop" | "stranger">;
  let watching: Watching;
  let count = 0;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" } });
    await scene.hosts.stranger.anyip(FORGED);
    await scene.instance.start();
    watching = await Watching.start(scene.instance);
  });
  afterEach(() => scene.instance.ask("revoke", { all: true }));
  afterAll(() => scene?.close());

  const fresh = (...options: string[]): Promise<Added> =>
    scene.instance.addUser(`user${++count}`, ["--proof", "otp", ...options]) as Promise<Added>;

  const knock = (user: Added, payload: string, from: Host, source?: string): Promise<EventView> =>
    watching.knock(user, payload, from, source);
  const denied = (reason: string) => ({ event: "denied", reason });
  const doorOf = (host: Host) => scene.instance.tryConnect(host, 22);

  test("a good code opens for the one who sent it; blanks around it do not matter", async () => {
    const { laptop, stranger } = scene.hosts;
    const user = await fresh();
    expect(await knock(user, ` ${totp(user.otp_uri, thisStep())}\n`, laptop)).toMatchObject({
      event: "opened",
    });
    expect([await doorOf(laptop), await doorOf(stranger)]).toEqual(["open", "silent"]);
    expect((await scene.instance.json(["list"])).grants).toMatchObject([{ user: user.name, proof: "otp" }]);
  });

  test("a captured payload opens nothing: at once, later, from anywhere, or after kill -9", async () => {
    const { laptop, stranger } = scene.hosts;
    const user = await fresh();
    const step = thisStep();
    const captured = totp(user.otp_uri, step);
    expect(await knock(user, captured, laptop)).toMatchObject({ event: "opened" });
    expect(await knock(user, captured, stranger)).toMatchObject(denied("otp_wrong"));
    expect(await knock(user, captured, laptop)).toMatchObject({
      event: "ignored",
      reason: "already open, or asked for",
    });
    await scene.instance.must(["revoke", user.name]);
    expect(await knock(user, captured, laptop)).toMatchObject(denied("otp_wrong"));
    expect(await knock(user, totp(user.otp_uri, step - 1), laptop)).toMatchObject(denied("otp_wrong"));

    await scene.instance.kill9();
    await scene.instance.start();
    watching = await Watching.start(scene.instance);
    expect(await knock(user, captured, stranger)).toMatchObject(denied("otp_wrong"));
    expect(await knock(user, captured, laptop)).toMatchObject(denied("otp_wrong"));
    expect([await doorOf(laptop), await doorOf(stranger)]).toEqual(["silent", "silent"]);
    // and the next code still opens
    expect(await knock(user, totp(user.otp_uri, step + 1), laptop)).toMatchObject({ event: "opened" });
  });

  test("what is wrong, or no code at all, opens nothing and is told apart", async () => {
    const { laptop } = scene.hosts;
    const user = await fresh();
    expect(await knock(user, wrongCode(user), laptop)).toMatchObject(denied("otp_wrong"));
    expect(await knock(user, totp(user.otp_uri, thisStep() - 5), laptop)).toMatchObject(denied("otp_wrong"));
    for (const payload of ["\0", "12345", "1234567", "123456 12"])
      expect(await knock(user, payload, laptop)).toMatchObject(denied("code_malformed"));
    expect(await doorOf(laptop)).toBe("silent");
  });

  test("after five wrong codes a source waits, even with a right one; others do not, and unlock ends it", async () => {
    const { laptop, stranger } = scene.hosts;
    const user = await fresh();
    for (let n = 0; n < 5; n++)
      expect(await knock(user, wrongCode(user), stranger)).toMatchObject(denied("otp_wrong"));
    const step = thisStep();
    expect(await knock(user, totp(user.otp_uri, step), stranger)).toMatchObject(denied("otp_wait"));
    expect(await knock(user, totp(user.otp_uri, step), laptop)).toMatchObject({ event: "opened" });
    expect(await knock(user, totp(user.otp_uri, step + 1), stranger)).toMatchObject(denied("otp_wait"));
    await scene.instance.must(["unlock", user.name]);
    expect(await knock(user, totp(user.otp_uri, step + 1), stranger)).toMatchObject({ event: "opened" });
  });

  test("after sixty wrong codes from everywhere the user's knocks wait until unlock, also over a restart", async () => {
    const { laptop, stranger } = scene.hosts;
    const user = await fresh();
    const wrong = wrongCode(user);
    for (let n = 0; n < 60; n++)
      expect(await knock(user, wrong, stranger, forged(1 + (n % 12)))).toMatchObject(denied("otp_wrong"));
    expect(await knock(user, totp(user.otp_uri, thisStep()), laptop)).toMatchObject(denied("otp_wait"));
    await scene.instance.restart();
    watching = await Watching.start(scene.instance);
    expect(await knock(user, totp(user.otp_uri, thisStep()), laptop)).toMatchObject(denied("otp_wait"));
    expect(await scene.instance.json(["unlock", user.name])).toMatchObject({
      unlocked: expect.arrayContaining([`otp/${user.name}`]),
    });
    expect(await knock(user, totp(user.otp_uri, thisStep()), laptop)).toMatchObject({ event: "opened" });
  });

  test("a new authenticator makes the old one's codes worth nothing", async () => {
    const { laptop } = scene.hosts;
    const old = await fresh();
    const rotated: Added = await scene.instance.json(["user", "rotate", old.name, "--otp"]);
    expect(await knock(old, totp(old.otp_uri, thisStep()), laptop)).toMatchObject(denied("otp_wrong"));
    expect(await knock(rotated, totp(rotated.otp_uri, thisStep()), laptop)).toMatchObject({
      event: "opened",
    });
  });

  testWithOathtool("the generated client takes its code from KNOCK_OTP_CMD, and the door opens", async () => {
    const { laptop } = scene.hosts;
    const user = await fresh();
    const secret = new URL(user.otp_uri).searchParams.get("secret");
    const ran = await laptop.run("bash", [await scene.instance.client(user.name)], {
      env: { KNOCK_OTP_CMD: `oathtool --totp -b ${secret}` },
    });
    expect(ran).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/open after \d+ ms/) });
    expect(await doorOf(laptop)).toBe("open");
  });

  describe("with an approval by phone", () => {
    beforeEach(async () => {
      for (const { id } of await pending()) await scene.instance.must(["deny", id]);
    });

    const pending = async (): Promise<PendingRequestView[]> =>
      (await scene.instance.json(["pending"])).pending;
    const asking = (...options: string[]): Promise<Added> =>
      fresh("--approval", "phone", "--pin", ...options);

    /** Runs the client until it waits. @returns it, and the code it shows */
    async function clientOf(user: Added): Promise<Running & { code: string }> {
      const client = scene.hosts.laptop.start("bash", [await scene.instance.client(user.name)]);
      const shown = () => /Dial 864 and key (\d{6})/.exec(client.output())?.[1];
      return { ...client, code: await until(shown, { what: "the client says what to dial" }) };
    }

    test("the client of a user without another proof waits, approve opens, and it says so", async () => {
      const user = await asking("--proof", "none");
      const client = await clientOf(user);
      const [request, ...others] = await pending();
      expect(request).toMatchObject({
        user: user.name,
        address: scene.hosts.laptop.address,
        services: ["ssh"],
      });
      expect(others).toEqual([]);
      expect(await doorOf(scene.hosts.laptop)).toBe("silent");
      expect(await scene.instance.json(["approve", request?.id ?? ""])).toMatchObject({ user: user.name });
      const { code, stdout } = await client.ended;
      expect([code, stdout]).toEqual([0, expect.stringMatching(/open after \d+ s\n$/)]);
      expect(await pending()).toEqual([]);
    });

    test("deny opens nothing, and the request is gone", async () => {
      const client = await clientOf(await asking("--proof", "none"));
      const [request] = await pending();
      await scene.instance.must(["deny", request?.id ?? ""]);
      expect(await pending()).toEqual([]);
      expect((await scene.instance.knockctl(["approve", request?.id ?? ""])).code).toBe(3);
      expect(await doorOf(scene.hosts.laptop)).toBe("silent");
      await client.kill();
    });

    test("a user has three requests at a time, one an address; the admin tells equal codes apart", async () => {
      const user = await asking("--proof", "none");
      const { stranger, laptop } = scene.hosts;
      const addresses = [101, 102, 103].map(forged);
      for (const address of addresses)
        expect(await knock(user, "482193", stranger, address)).toMatchObject({ event: "asked" });
      expect(await knock(user, "482193", laptop)).toMatchObject(denied("too_many_pending"));
      const three = await pending();
      expect(three.map(({ address }) => address).sort()).toEqual(addresses);

      await renew(user, three[0]);
      const { address } = await scene.instance.json(["approve", three[0]?.id ?? ""]);
      expect(address).toBe(three[0]?.address);
      expect(await pending()).toHaveLength(2);
    });

    test("the code of an authenticator is used up by the request, not by its approval", async () => {
      const { laptop, stranger } = scene.hosts;
      const user = await asking();
      const captured = `${totp(user.otp_uri, thisStep())} 482193`;
      expect(await knock(user, captured, laptop)).toMatchObject({ event: "asked" });
      expect(await knock(user, captured, stranger)).toMatchObject(denied("otp_wrong"));
      expect(await knock(user, captured, laptop)).toMatchObject({
        event: "ignored",
        reason: "already open, or asked for",
      });
      const [request, ...others] = await pending();
      expect(others).toEqual([]);
      await scene.instance.must(["approve", request?.id ?? ""]);
      expect(await doorOf(laptop)).toBe("open");
    });

    /** Knocks again from the address of a request: that is told by nothing but the request's new time. */
    async function renew(user: Added, request: PendingRequestView | undefined): Promise<void> {
      const { id, since, address } = request as PendingRequestView;
      await scene.hosts.stranger.agent.send({
        address: scene.server.address,
        ports: user.steps.map(({ port }) => port),
        payload: "482193",
        from: address,
      });
      const isRenewed = async () => (await pending()).some((one) => one.id === id && one.since > since);
      await until(isRenewed, { what: "the request is renewed" });
    }
  });

  describe("a PIN of the admin's choice", () => {
    const pinOf = async (name: string) => (await scene.instance.json(["user", "show", name])).has_pin;

    test("is read from standard input, and not shown again", async () => {
      const PIN = "73920516";
      const { name } = await fresh();
      const ran = await scene.instance.knockctl(["user", "set", name, "--pin", "-"], { input: `${PIN}\n` });
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(ran.stdout).not.toContain(PIN);
      expect(await pinOf(name)).toBe(true);
      expect((await scene.instance.knockctl(["user", "set", name, "--pin", "-"])).code).toBe(2);
    });

    test("is asked for twice on a terminal, without echo", async () => {
      const PIN = "61840275";
      const { name } = await fresh();
      /** Types each line when it is asked for. */
      const typed = async (...lines: string[]) => {
        const command = [
          process.execPath,
          ...scene.instance.commandLine(["user", "set", name, "--pin", "-"]),
        ];
        const terminal = scene.server.start("script", ["-qec", command.join(" "), "/dev/null"]);
        for (const [n, line] of lines.entries()) {
          await until(() => terminal.output().split(": ").length > n + 1, { what: "it asks for a line" });
          terminal.child.stdin.write(`${line}\r`);
        }
        return terminal.ended;
      };
      const unequal = await typed(PIN, `${PIN}0`);
      expect(unequal).toMatchObject({ code: 2, stdout: expect.stringContaining("not the same") });
      expect(await pinOf(name)).toBe(false);
      const equal = await typed(PIN, PIN);
      expect(equal).toMatchObject({ code: 0, stdout: expect.stringMatching(/PIN: \r\nPIN again: \r\n/) });
      expect(await pinOf(name)).toBe(true);
    });
  });
});
