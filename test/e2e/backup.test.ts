import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { kernelSet } from "../helpers/flood-crowd.ts";
import { type Instance, makeInstance, openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("namespaces", "nft");

const PASSPHRASE = "correct horse battery";
/** Let in without a knock when the backup is made. */
const BRANCH = "203.0.113.64/26";

describe("backup and restore of whole programs", () => {
  let scene: Scene<"laptop">;
  let other: Instance;
  let alice: User;
  let file: string;

  beforeAll(async () => {
    scene = await openScene(["laptop"], { firewall: { guard: "services" } });
    const { instance } = scene;
    await instance.start();
    alice = await instance.addUser("alice", ["--pin"]);
    await instance.addUser("bob", ["--proof", "otp"]);
    await instance.must(["allow", "add", BRANCH, "--services", "ssh", "--expires", "1d", "--note", "branch"]);
    file = join(instance.folder, "pbx.backup");
    other = await makeInstance(scene.server, { firewall: { guard: "services" } });
  });
  afterAll(async () => {
    await scene?.close();
    await other?.remove();
  });

  const say = { input: `${PASSPHRASE}\n` };
  const usersOf = async (instance: Instance): Promise<string[]> =>
    (await instance.json(["user", "list"])).users.map(({ name }: User) => name);

  test("a backup is written while knockd runs: private, whole, and never over another file unasked", async () => {
    const { instance } = scene;
    expect(await instance.knockctl(["backup", file], say)).toMatchObject({ code: 0, stderr: "" });
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
    const first = readFileSync(file);
    for (const { port } of alice.steps) expect(first.includes(String(port))).toBe(false);
    expect(first.includes(readFileSync(join(instance.folder, "secret")))).toBe(false);
    expect(await instance.knockctl(["backup", file], say)).toMatchObject({ code: 1 });
    expect(readFileSync(file)).toEqual(first);
    expect(await instance.knockctl(["backup", file, "--force"], say)).toMatchObject({ code: 0 });
    expect(await instance.knockctl(["backup", `${file}2`], { input: "short\n" })).toMatchObject({ code: 2 });
    expect(existsSync(`${file}2`)).toBe(false);
  });

  test("on a terminal the passphrase is asked for twice, without echo", async () => {
    const command = [process.execPath, ...scene.instance.commandLine(["backup", `${file}-typed`])];
    const terminal = scene.server.start("script", ["-qec", command.join(" "), "/dev/null"]);
    for (const question of ["passphrase: ", "passphrase again: "]) {
      await until(() => terminal.output().endsWith(question), { what: `it asks "${question}"` });
      terminal.child.stdin.write(`${PASSPHRASE}\r`);
    }
    const { code, stdout } = await terminal.ended;
    expect([code, stdout.includes(PASSPHRASE)]).toEqual([0, false]);
    expect(await other.knockctl(["restore", `${file}-typed`, "--check"], say)).toMatchObject({ code: 0 });
  });

  test("a passphrase file must be private", async () => {
    const path = join(scene.instance.folder, "passphrase");
    writeFileSync(path, `${PASSPHRASE}\n`, { mode: 0o644 });
    const check = () => other.knockctl(["restore", file, "--check", "--passphrase-file", path]);
    expect(await check()).toMatchObject({ code: 5, stderr: expect.stringContaining("chmod 0640") });
    rmSync(path);
    writeFileSync(path, `${PASSPHRASE}\n`, { mode: 0o600 });
    expect(await check()).toMatchObject({ code: 0, stdout: expect.stringContaining("alice, bob") });
  });

  test("a passphrase file called `-` is standard input", async () => {
    const check = (input: string) =>
      other.knockctl(["restore", file, "--check", "--passphrase-file", "-"], { input });
    expect(await check(`${PASSPHRASE}\n`)).toMatchObject({ code: 0, stderr: "" });
    const { code, stderr } = await check("\n");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("standard input holds no passphrase"),
    });
  });

  test("a wrong passphrase, a damaged or a newer file is refused, and nothing is changed", async () => {
    const secret = readFileSync(join(other.folder, "secret"));
    const whole = readFileSync(file);
    const spoilt = `${file}-spoilt`;
    writeFileSync(spoilt, whole.subarray(0, -1));
    const newer = `${file}-newer`;
    writeFileSync(newer, Buffer.from(whole.toString("latin1").replace("backup 1", "backup 2"), "latin1"));
    for (const [path, input, message] of [
      [file, "correct horse batterz\n", "not the passphrase"],
      [spoilt, say.input, "damaged"],
      [newer, say.input, "version 2"],
      [other.config, say.input, "no backup of knockline"],
    ] as const) {
      const ran = await other.knockctl(["restore", path], { input });
      expect([ran.code, ran.stderr]).toEqual([expect.any(Number), expect.stringContaining(message)]);
      expect(ran.code).not.toBe(0);
    }
    expect(await usersOf(other)).toEqual([]);
    expect(readFileSync(join(other.folder, "secret"))).toEqual(secret);
  });

  test("killed at any moment a restore leaves the old state or the new one, and the right secret with it", async () => {
    const secrets = [scene.instance, other].map(({ folder }) => readFileSync(join(folder, "secret"), "hex"));
    const fresh = secrets[1] ?? "";
    const seen = new Set<string>();
    // bounded: until both ends were seen, 14 times at the most
    for (let delay = 600, n = 0; n < 14 && seen.size < 2; n++) {
      rmSync(join(other.folder, "db"), { recursive: true, force: true });
      rmSync(join(other.folder, "secret.restored"), { force: true });
      writeFileSync(join(other.folder, "secret"), Buffer.from(fresh, "hex"));
      const restoring = scene.server.start(process.execPath, other.commandLine(["restore", file]));
      restoring.child.stdin.end(say.input);
      const killer = setTimeout(() => restoring.child.kill("SIGKILL"), delay);
      const { code } = await restoring.ended;
      clearTimeout(killer);
      const users = await usersOf(other);
      const secret = readFileSync(join(other.folder, "secret"), "hex");
      expect([`${users} ${secret}`]).toEqual([users.length === 0 ? ` ${fresh}` : `alice,bob ${secrets[0]}`]);
      seen.add(users.length === 0 ? "old" : "new");
      if (code === 0) expect(users).toEqual(["alice", "bob"]);
      delay += code === 0 ? -300 : 350;
    }
    expect([...seen].sort()).toEqual(["new", "old"]);
  }, 120_000);

  test("what was restored is whole: its knock opens, its PIN is the same, and over users it needs --force", async () => {
    const { instance } = scene;
    rmSync(join(other.folder, "db"), { recursive: true, force: true });
    expect(await other.knockctl(["restore", file], say)).toMatchObject({ code: 0 });
    expect(await other.knockctl(["restore", file], say)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--force"),
    });
    expect(readFileSync(join(other.folder, "secret"))).toEqual(readFileSync(join(instance.folder, "secret")));
    const [here, there] = await Promise.all(
      [instance, other].map((one) => one.json(["user", "export", "--with-secrets"])),
    );
    expect(there).toEqual(here);
    const settings = await other.knockctl(["restore", file, "--settings"], say);
    expect(settings.stdout).toBe(readFileSync(instance.config, "utf8"));
  });

  test("a lost secret is never made anew over users, and what the refusal says brings them back", async () => {
    const secret = readFileSync(join(other.folder, "secret"));
    rmSync(join(other.folder, "secret"));
    for (const command of [["list"], ["config", "check"], ["init", "--no-user"]]) {
      const { code, stderr } = await other.knockctl(command);
      expect([command, code]).toEqual([command, command[0] === "list" ? 5 : 1]);
      expect(stderr).toContain("secret is missing");
      expect(stderr).toContain("put the old secret back, or restore a backup: move");
    }
    expect(existsSync(join(other.folder, "secret"))).toBe(false);
    renameSync(join(other.folder, "db"), join(other.folder, "db.old"));
    await other.must(["init", "--no-user"]);
    expect(await other.knockctl(["restore", file], say)).toMatchObject({ code: 0 });
    expect(readFileSync(join(other.folder, "secret"))).toEqual(secret);
    expect(await usersOf(other)).toEqual(["alice", "bob"]);
  });

  test("through the knockd that runs it acts at once: closes what is not allowed, and its listeners follow", async () => {
    const { instance, hosts } = scene;
    const carol = await instance.addUser("carol");
    await instance.must(["allow", "remove", BRANCH]);
    expect(await kernelSet(scene.server, "ssh4_26")).toEqual([]);
    await instance.knock(hosts.laptop, carol);
    await until(async () => (await instance.tryConnect(hosts.laptop, 22)) === "open", {
      what: "carol gets in",
    });
    const restored = await instance.knockctl(["restore", file, "--force", "--json"], say);
    expect(JSON.parse(restored.stdout)).toMatchObject({
      users: ["alice", "bob"],
      closed: [{ user: "carol", address: hosts.laptop.address }],
      allowed_again: { count: 1, first: [BRANCH] },
    });
    expect(await instance.tryConnect(hosts.laptop, 22)).toBe("silent");
    await instance.knock(hosts.laptop, carol);
    await instance.knock(hosts.laptop, alice);
    await until(async () => (await instance.tryConnect(hosts.laptop, 22)) === "open", {
      what: "alice gets in",
    });
    const { grants } = await instance.json(["list"]);
    expect(grants).toMatchObject([{ user: "alice" }]);
    const { entries } = await instance.json(["allow", "list"]);
    expect(entries).toMatchObject([{ what: BRANCH, services: ["ssh"], note: "branch" }]);
    expect(await kernelSet(scene.server, "ssh4_26")).toEqual(["203.0.113.64"]);
  });
});
