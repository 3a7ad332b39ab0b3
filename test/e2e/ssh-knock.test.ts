import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { EventView } from "../../src/shared/gate/views.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { type Line, signLine } from "../helpers/proofs.ts";
import { until } from "../helpers/wait.ts";
import { Watching } from "../helpers/watching.ts";

const { describe, test } = needs("namespaces", "nft", "ssh-keygen");

const { test: testWithNc } = needs("nc");

const SERVER = "lab-server";

describe("knocks signed with an SSH key", () => {
  let scene: Scene<"laptop" | "stranger">;
  let watching: Watching;
  let count = 0;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], {
      server: { name: SERVER },
      firewall: { guard: "services" },
    });
    await scene.instance.start();
    watching = await Watching.start(scene.instance);
  });
  afterEach(() => scene.instance.ask("revoke", { all: true }));
  afterAll(() => scene?.close());

  /** Draws a key by ssh-keygen. @returns the path of its private half */
  function drawKey(type: string, bits: string, passphrase = ""): string {
    const path = join(scene.instance.folder, `key${++count}`);
    execFileSync("ssh-keygen", [
      "-q",
      "-t",
      type,
      "-b",
      bits,
      "-N",
      passphrase,
      "-C",
      "a laptop",
      "-f",
      path,
    ]);
    return path;
  }

  /** Adds a user with a key, without a word about the proof. */
  const fresh = (key: string, ...options: string[]): Promise<User> =>
    scene.instance.json(["user", "add", `user${++count}`, "--ssh-key", `${key}.pub`, ...options]);

  const signed = (key: string, user: User, line: Partial<Line> = {}): string =>
    signLine(key, { server: SERVER, user: user.name, ...line });

  const knock = (user: User, payload: string, from: Host): Promise<EventView> =>
    watching.knock(user, payload, from);
  const denied = (reason: string) => ({ event: "denied", reason });
  const doorOf = (host: Host) => scene.instance.tryConnect(host, 22);

  test.each([
    ["ed25519", "256"],
    ["ecdsa", "521"],
    ["rsa", "3072"],
  ])("the generated client opens the door with a key of %s and %s bits", async (type, bits) => {
    const { laptop, stranger } = scene.hosts;
    const key = drawKey(type, bits);
    const user = await fresh(key);
    expect(user.proof).toBe("ssh");
    const client = await scene.instance.client(user.name);
    const ran = await laptop.run("bash", [client, "--key", key]);
    expect(ran).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/open after \d+ ms\n$/) });
    expect([await doorOf(laptop), await doorOf(stranger)]).toEqual(["open", "silent"]);
    expect((await scene.instance.json(["list"])).grants).toMatchObject([{ user: user.name, proof: "ssh" }]);
  });

  test("a key in an agent signs by its public half; a passphrase is not needed then", async () => {
    const { laptop } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const user = await fresh(key);
    const script = `eval "$(ssh-agent -s)" >&2 && trap 'kill "$SSH_AGENT_PID"' EXIT && ssh-add -q "$1" && rm "$1" &&
      KNOCK_KEY=$1.pub bash "$2"`;
    const ran = await laptop.run("bash", ["-c", script, "-", key, await scene.instance.client(user.name)]);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("open after") });
  });

  test("the lines of the text format open the door too", async () => {
    const { laptop } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const { name } = await fresh(key);
    const options = ["--format", "text", "--host", scene.server.address];
    const text = await scene.instance.must(["user", "client", name, ...options]);
    const [, lines = ""] = /^Computer:.*\n((?: {2}.*\n)+)/m.exec(text) ?? [];
    const script = lines.replace("~/.ssh/id_ed25519", key);
    expect(await laptop.run("bash", ["-euc", script])).toMatchObject({ code: 0, stderr: "" });
    await until(async () => (await doorOf(laptop)) === "open", { what: "the door opens" });
  });

  test("a passphrase is asked for on the terminal, before the knock", async () => {
    const key = drawKey("ed25519", "256", "open sesame");
    const client = await scene.instance.client((await fresh(key)).name);
    const run = scene.hosts.laptop.start("script", ["-qec", `bash ${client} --key ${key}`, "/dev/null"]);
    await until(() => run.output().includes("passphrase"), { what: "it asks for the passphrase" });
    run.child.stdin.write("open sesame\r");
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("open after") });
  });

  testWithNc("where bash cannot send datagrams, nc sends the signed line whole", async () => {
    const key = drawKey("rsa", "3072");
    const client = await scene.instance.client((await fresh(key)).name);
    const env = { KNOCK_SEND: "nc", KNOCK_KEY: key };
    expect(await scene.hosts.laptop.run("bash", [client], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("open after"),
    });
  });

  test("without a key, or with one that cannot sign, the client says so before it knocks", async () => {
    const { laptop } = scene.hosts;
    const user = await fresh(drawKey("ed25519", "256"));
    const client = await scene.instance.client(user.name);
    const before = watching.events().length;
    const none = await laptop.run("bash", [client], { env: { HOME: "/nonexistent" } });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("no SSH key found") });
    const absent = await laptop.run("bash", [client, "--key", "/nonexistent"]);
    expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot read the SSH key") });
    const wrong = await laptop.run("bash", [client, "--key", client]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining(`cannot sign with ${client}`) });
    expect(watching.events().slice(before)).toEqual([]);
  });

  test("a captured datagram opens nothing: from elsewhere, later, or after kill -9", async () => {
    const { laptop, stranger } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const user = await fresh(key);
    const captured = signed(key, user);
    expect(await knock(user, captured, laptop)).toMatchObject({ event: "opened" });
    expect(await knock(user, captured, stranger)).toMatchObject(denied("ssh_replayed"));
    expect(await knock(user, captured, laptop)).toMatchObject({ event: "ignored" });
    await scene.instance.must(["revoke", user.name]);
    expect(await knock(user, captured, laptop)).toMatchObject(denied("ssh_replayed"));

    await scene.instance.kill9();
    await scene.instance.start();
    watching = await Watching.start(scene.instance);
    expect(await knock(user, captured, stranger)).toMatchObject(denied("ssh_replayed"));
    expect(await knock(user, captured, laptop)).toMatchObject(denied("ssh_replayed"));
    expect([await doorOf(laptop), await doorOf(stranger)]).toEqual(["silent", "silent"]);
    expect(await knock(user, signed(key, user), laptop)).toMatchObject({ event: "opened" });
  });

  test("a captured datagram opens nothing for a user who was removed and made anew", async () => {
    const { laptop } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const user = await fresh(key);
    const captured = signed(key, user);
    expect(await knock(user, captured, laptop)).toMatchObject({ event: "opened" });
    await scene.instance.must(["user", "remove", user.name]);
    const again: User = await scene.instance.json(["user", "add", user.name, "--ssh-key", `${key}.pub`]);
    expect(await knock(again, captured, laptop)).toMatchObject(denied("ssh_replayed"));
  });

  test("what is signed for something else is denied with its reason", async () => {
    const { laptop, stranger } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const user = await fresh(key);
    const clock = /^ssh_clock: its clock is 6m(\d\ds)? behind, or it is old$/;
    for (const [line, reason] of [
      [{ server: "another-server" }, "ssh_other_server"],
      [{ user: "somebody" }, "ssh_other_user"],
      [{ ahead: -360 }, expect.stringMatching(clock)],
      [{ address: stranger.address }, "ssh_address"],
    ] as const)
      expect(await knock(user, signed(key, user, line), laptop)).toMatchObject(denied(reason));
    const other = drawKey("ed25519", "256");
    expect(await knock(user, signed(other, user), laptop)).toMatchObject(denied("ssh_key_unknown"));
    expect(await doorOf(laptop)).toBe("silent");
  });

  test("the ports alone are not enough: there is no way back to the proof none", async () => {
    const { laptop } = scene.hosts;
    const user = await fresh(drawKey("ed25519", "256"));
    for (const payload of ["\0", "4711", "123456"])
      expect(await knock(user, payload, laptop)).toMatchObject({
        event: "denied",
        reason: expect.stringMatching(/^ssh_malformed: it /),
      });
    expect(await doorOf(laptop)).toBe("silent");
  });

  test("a signed length holds, as far as it is allowed; the log names the key", async () => {
    const { laptop } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const user = await fresh(key, "--max-ttl", "2h");
    const lengthOf = async (): Promise<number> => (await scene.instance.json(["list"])).grants[0]?.length;
    expect(await knock(user, signed(key, user, { seconds: 90 }), laptop)).toMatchObject({ event: "opened" });
    expect(await lengthOf()).toBe(90);
    const longer = signed(key, user, { seconds: 86_400, address: laptop.address });
    expect(await knock(user, longer, laptop)).toMatchObject({ event: "renewed" });
    expect(await lengthOf()).toBe(7200);
    const { ssh_keys } = await scene.instance.json(["user", "show", user.name]);
    expect(execFileSync("ssh-keygen", ["-l", "-f", `${key}.pub`], { encoding: "utf8" })).toContain(
      ssh_keys[0],
    );
    expect(scene.instance.log()).toContain(ssh_keys[0]);
  });

  test("with an approval the request carries the code that the client shows", async () => {
    const { laptop } = scene.hosts;
    const key = drawKey("ed25519", "256");
    const user = await fresh(key, "--approval", "phone", "--pin");
    const client = laptop.start("bash", [await scene.instance.client(user.name), "--key", key]);
    await until(() => /Dial 864 and key \d{6}/.test(client.output()), { what: "it says what to dial" });
    const repeats = () =>
      watching.events().filter(({ user: of, event }) => of === user.name && event === "ignored");
    await until(() => repeats().length === 2, { what: "the other two tries are the same datagram" });
    const { pending } = await scene.instance.json(["pending"]);
    expect(pending).toMatchObject([{ user: user.name, address: laptop.address }]);
    await scene.instance.must(["approve", pending[0].id]);
    expect(await client.ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/open after \d+ s\n$/),
    });
  });

  test("keys are read from standard input, replaced, and refused by name", async () => {
    const { laptop } = scene.hosts;
    const [first, second] = [drawKey("ed25519", "256"), drawKey("ecdsa", "256")];
    const user = await fresh(first);
    const set = (...options: string[]) => ["user", "set", user.name, ...options];
    const input = execFileSync("cat", [`${second}.pub`], { encoding: "utf8" });
    expect(await scene.instance.knockctl(set("--ssh-key", "-"), { input })).toMatchObject({ code: 0 });
    expect(await knock(user, signed(first, user), laptop)).toMatchObject(denied("ssh_key_unknown"));
    expect(await knock(user, signed(second, user), laptop)).toMatchObject({ event: "opened" });
    for (const [text, code, what] of [
      ["", 2, "there is none in it"],
      [`from="192.0.2.1" ${input}`, 1, "line 1: its line has options"],
      ["-----BEGIN OPENSSH PRIVATE KEY-----\n", 1, "that is a private key"],
    ] as const)
      expect(await scene.instance.knockctl(set("--ssh-key", "-"), { input: text })).toMatchObject({
        code,
        stderr: expect.stringContaining(what),
      });
    expect((await scene.instance.knockctl(set("--no-ssh-key"))).code).toBe(1);
    expect((await scene.instance.knockctl(set("--ssh-key", "/nonexistent"))).code).toBe(2);
  });
});
