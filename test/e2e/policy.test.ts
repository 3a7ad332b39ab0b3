import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Instance, openScene, type Scene, type Settings } from "../helpers/instance.ts";
import { type Host, type Lab, openLab } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { type HeldSession, holdSession, killOurs } from "../helpers/sessions.ts";
import { type Shell, type Sshd, startSshd } from "../helpers/sshd.ts";
import { always, until } from "../helpers/wait.ts";

/** Changes of what is closed: tried, rolled back by the kernel, confirmed, kept over a restart and a reboot. */

const { describe } = needs("namespaces", "nft", "ip", "ss", "sshd", "ssh", "ssh-keygen");

const SSH = 2022;
const WEB = 80;
/** A port that no service names. */
const OTHER = 8080;
const SERVICES = { ssh: { ports: [`tcp/${SSH}`] }, web: { ports: [`tcp/${WEB}`] } };
const NOTHING: Settings = { services: SERVICES, firewall: { guard: "nothing" } };
const GUARDED: Settings = { services: SERVICES, firewall: { guard: "services" } };
const GUARDED_MORE: Settings = {
  services: { ...SERVICES, admin: { ports: [`tcp/${OTHER}`] } },
  firewall: { guard: "services" },
};
/** What the boot unit runs. */
const LOAD = fileURLToPath(new URL("../../systemd/knockline-firewall-load", import.meta.url));
const UNAPPLIED = "settings changed, not applied: knockctl firewall plan";

type People = "laptop" | "stranger";

/** @returns functions that say whether the stranger reaches a port now; short, for one who waits for a change */
const reaching = ({ instance, hosts }: Scene<People>) => ({
  reaches: async (port: number) =>
    (await instance.tryConnect(hosts.stranger, port, { timeout: 300 })) === "open",
});

const hasTable = async (host: Host): Promise<boolean> =>
  (await host.run("nft", ["list", "tables"])).stdout.includes("inet knockline");

describe("an admin, logged in by a real sshd, applies a policy that closes sshd's own port:", () => {
  let scene: Scene<People>;
  let sshd: Sshd;
  let shell: Shell;
  let oldVisitor: HeldSession;
  let reaches: (port: number) => Promise<boolean>;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], NOTHING);
    ({ reaches } = reaching(scene));
    sshd = await startSshd(scene.server, scene.instance.folder, SSH);
    await scene.instance.start();
    scene.instance.configure(GUARDED);
    shell = await sshd.open(scene.hosts.laptop);
    oldVisitor = await holdSession(scene.hosts.stranger, scene.server, WEB);
  });
  afterAll(() => scene?.close());

  /** Runs knockctl in the admin's session. @returns what it said; it must have succeeded */
  async function knockctl(...args: string[]): Promise<string> {
    const words = [process.execPath, ...scene.instance.commandLine(args)];
    const { code, said } = await shell.type(words.map((word) => `'${word}'`).join(" "), 10_000);
    expect(code, said).toBe(0);
    return said;
  }

  test("the plan says what will be closed, and closes nothing", async () => {
    const plan = await knockctl("firewall", "plan");
    expect(plan).toContain("guard: nothing -> services");
    expect(plan).toContain(`service ssh (tcp/${SSH}): open to everybody -> closed to strangers`);
    expect(plan).toMatch(new RegExp(`^tcp/${SSH} +sshd +whoever has a grant for ssh$`, "m"));
    expect(plan).toContain(`held open for 15 minutes by apply: ${scene.hosts.laptop.address}`);
    expect((await knockctl("firewall", "plan", "--nft")).split("\n")).toContain(
      "add chain inet knockline guard { type filter hook input priority -10 ; policy accept ; }",
    );
    expect(await reaches(SSH)).toBe(true);
  });

  test("on trial it shuts strangers out, but never this session, nor a new log-in from here", async () => {
    await knockctl("firewall", "apply", "--confirm", "60s");

    await shell.type("true");
    expect(await reaches(SSH)).toBe(false);
    expect((await sshd.login(scene.hosts.laptop)).code).toBe(0);
    const { grants } = await scene.instance.json(["list"]);
    expect(grants).toMatchObject([{ address: scene.hosts.laptop.address, services: ["ssh"], by: "admin" }]);
    expect(grants[0].length, "a quarter of an hour").toBe(900);
    expect((await scene.instance.json(["status"])).firewall).toMatchObject({
      state: "trial",
      guard: "services",
    });
    await oldVisitor.works();
  });

  test("`firewall rollback` ends the trial at once", async () => {
    await knockctl("firewall", "rollback");
    expect(await reaches(SSH)).toBe(true);
    await shell.type("true");
  });

  test("without a word from him the kernel rolls it back, with every process of ours killed", async () => {
    const asked = Date.now();
    await knockctl("firewall", "apply", "--confirm", "5s");
    const applied = Date.now();
    expect(await reaches(SSH)).toBe(false);
    killOurs(scene.server);
    await scene.instance.kill9();
    expect(await reaches(SSH)).toBe(false);
    await shell.type("true");

    await until(() => reaches(SSH), { what: "strangers are back in", deadline: 8_000 });

    // the trial began somewhere between: a busy machine takes a second to bring the answer
    expect(Date.now() - asked, "ms since it was asked for").toBeGreaterThan(5_000);
    expect(Date.now() - applied, "ms since it was on").toBeLessThan(6_500);
    await shell.type("true");
    await oldVisitor.works();
    expect(await scene.instance.json(["firewall", "status"])).toMatchObject({
      guard: "nothing",
      pending: true,
    });
  });

  test("a new knockd keeps to the policy that was confirmed, not to the one that rolled back", async () => {
    await scene.instance.start();
    await always(() => reaches(SSH), { what: "strangers get in" });
    expect(scene.instance.log()).toContain(UNAPPLIED);
  });

  test("applied and confirmed it stays, and whoever was there before goes on", async () => {
    await knockctl("firewall", "apply", "--confirm", "60s");
    await knockctl("firewall", "confirm");

    expect(await reaches(SSH)).toBe(false);
    expect(await reaches(WEB)).toBe(false);
    expect(await reaches(OTHER)).toBe(false); // nobody listens: refused
    await shell.type("true");
    await oldVisitor.works();
    expect((await scene.instance.json(["status"])).firewall).toMatchObject({ state: "ok", pending: false });
  });

  test("the session also goes on when the grant that was made for it is over", async () => {
    await scene.instance.must(["revoke", "--all", "--keep-sessions"]);
    expect((await sshd.login(scene.hosts.laptop)).code).not.toBe(0);
    await shell.type("true");
  });

  test("`firewall teardown` removes everything, and it stays away", async () => {
    await scene.instance.must(["firewall", "teardown"]);
    expect(await hasTable(scene.server)).toBe(false);
    for (const file of ["boot.nft", "boot.nft.last-good"])
      expect(existsSync(join(scene.instance.folder, file))).toBe(false);
    await always(() => reaches(SSH), { what: "strangers get in" });
    expect(await hasTable(scene.server)).toBe(false);
    await shell.type("true");
    await oldVisitor.works();
  });
});

describe("the policy in force", () => {
  let scene: Scene<People>;
  let reaches: (port: number) => Promise<boolean>;
  let early: HeldSession[];

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], GUARDED);
    ({ reaches } = reaching(scene));
    await scene.server.agent.listen({ port: SSH, push: 10 });
    await scene.server.agent.listen({ port: OTHER });
  });
  afterAll(() => scene?.close());

  test("is at the very first start what the settings say; sessions that were there go on", async () => {
    const { instance, hosts, server } = scene;
    expect(await reaches(SSH)).toBe(true);
    early = await Promise.all([SSH, WEB].map((port) => holdSession(hosts.stranger, server, port)));

    await instance.start();

    expect(await reaches(SSH)).toBe(false);
    expect(await reaches(OTHER)).toBe(true);
    for (const session of early) await session.works();
    expect(await instance.json(["firewall", "status"])).toMatchObject({ guard: "services", pending: false });
  });

  test("is no other after a restart with changed settings, which only says so", async () => {
    scene.instance.configure(GUARDED_MORE);
    await scene.instance.restart();

    expect(scene.instance.log()).toContain(UNAPPLIED);
    expect(await reaches(OTHER)).toBe(true);
    expect(await reaches(SSH)).toBe(false);
    const { knockd, firewall } = await scene.instance.json(["status"]);
    expect(knockd.problems).toContain(UNAPPLIED);
    expect(firewall.pending).toBe(true);
  });

  test("is no other after SIGHUP with changed settings, which only says so", async () => {
    const { instance } = scene;
    instance.configure(GUARDED);
    await instance.restart();
    expect(instance.log()).not.toContain(UNAPPLIED);
    instance.configure(GUARDED_MORE);

    instance.signal("SIGHUP");

    await until(() => instance.log().includes(UNAPPLIED), { what: "the log says so" });
    await always(() => reaches(OTHER), { what: "the new service is not closed yet" });
    expect(await reaches(SSH)).toBe(false);
  });

  test("is no matter of the phone's socket, which is there after SIGHUP as the settings say", async () => {
    const { instance } = scene;
    const isThere = () => existsSync(join(instance.folder, "phone.sock"));
    for (const enabled of [true, false]) {
      instance.configure({ ...GUARDED_MORE, phone: { enabled } });
      instance.signal("SIGHUP");
      await until(() => isThere() === enabled, { what: `phone.sock ${enabled ? "comes" : "goes"}` });
    }
    expect(await reaches(OTHER)).toBe(true);
  });

  test("stays as it is when SIGHUP finds broken settings", async () => {
    const { instance } = scene;
    writeFileSync(instance.config, '[firewall]\nguard = "evrything"\n');

    instance.signal("SIGHUP");

    await until(() => instance.log().includes("the old ones hold"), { what: "the log says so" });
    expect(await reaches(SSH)).toBe(false);
    expect(await reaches(OTHER)).toBe(true);
    instance.configure(GUARDED);
    const problems = async (): Promise<string[]> => (await instance.json(["status"])).knockd.problems;
    expect(await problems()).toContainEqual(expect.stringContaining("settings were not taken over"));

    instance.signal("SIGHUP");

    await until(async () => (await problems()).length === 0, {
      what: "a reload that succeeds ends the problem",
    });
  });

  test("is changed at once by `firewall apply --now`; sessions that were there go on", async () => {
    const { instance, hosts, server } = scene;
    const session = await holdSession(hosts.stranger, server, OTHER);
    instance.configure(GUARDED_MORE);

    await instance.must(["firewall", "apply", "--now"]);

    expect(await reaches(OTHER)).toBe(false);
    await session.works();
    for (const older of early) await older.works();
  });
});

describe("after a reboot", () => {
  let scene: Scene<"laptop">;
  let rebooted: Lab;
  let laptop: Host;
  let boot: string;

  beforeAll(async () => {
    scene = await openScene(["laptop"], GUARDED);
    boot = join(scene.instance.folder, "boot.nft");
    await scene.instance.start();
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--ttl", "10m"]);
    await scene.instance.stop();
    // another machine with the same addresses and the same disk
    rebooted = await openLab();
    laptop = await rebooted.host("laptop");
    for (const port of [SSH, OTHER]) await rebooted.server.agent.listen({ port });
  });
  afterAll(async () => {
    await rebooted?.close();
    await scene?.close();
  });

  test("boot.nft holds the confirmed policy, no grant and no include, and loads", async () => {
    const text = readFileSync(boot, "utf8");
    expect(readFileSync(`${boot}.last-good`, "utf8")).toBe(text);
    expect(text).toContain(`tcp dport ${SSH}`);
    expect(text).not.toContain(scene.hosts.laptop.address);
    expect(text).not.toMatch(/^\s*include/m);
    const checked = await rebooted.server.run("nft", ["-c", "-f", boot]);
    expect(checked.code, checked.stderr).toBe(0);
    expect(await hasTable(rebooted.server)).toBe(false);
  });

  test("strangers are shut out before knockd starts, by boot.nft alone", async () => {
    const reborn = new Instance(rebooted.server, scene.instance.folder);
    expect(await reborn.tryConnect(laptop, SSH)).toBe("open");

    const loaded = await rebooted.server.run(LOAD, [scene.instance.folder]);
    expect(loaded.code, loaded.stderr).toBe(0);

    expect(await reborn.tryConnect(laptop, SSH)).toBe("silent");
    expect(await reborn.tryConnect(laptop, OTHER)).toBe("open");
  });

  test("knockd takes the table over, and what is left of a grant with it", async () => {
    const reborn = new Instance(rebooted.server, scene.instance.folder);
    await reborn.start();
    expect(await reborn.tryConnect(laptop, SSH)).toBe("open");
    expect((await reborn.json(["status"])).ok).toBe(true);
    await reborn.stop();
  });

  test("knockd also takes over what was loaded in the place of damaged files, and writes them anew", async () => {
    const reborn = new Instance(rebooted.server, scene.instance.folder);
    const whole = readFileSync(boot, "utf8");
    for (const file of [boot, `${boot}.last-good`]) writeFileSync(file, whole.slice(0, 500));
    await rebooted.server.run("nft", ["flush", "ruleset"]);
    expect(await rebooted.server.run(LOAD, [scene.instance.folder])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("EVERYTHING IS CLOSED"),
    });
    expect(await reborn.tryConnect(laptop, OTHER)).toBe("silent");

    await reborn.start();

    expect([await reborn.tryConnect(laptop, SSH), await reborn.tryConnect(laptop, OTHER)]).toEqual([
      "open",
      "open",
    ]);
    expect(readFileSync(boot, "utf8")).toBe(whole);
    expect((await rebooted.server.run("nft", ["list", "ruleset"])).stdout).not.toMatch(
      /^\tchain guard \{\n[^}]*drop/m,
    );
    await reborn.stop();
  });
});
