import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostFirewall, type KINDS, openHostFirewall } from "../helpers/host-firewall.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import type { Ran } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt, type HeldSession, holdSession, onlyGrantEnds } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** Beside a firewall that the host has already, and that drops by default: one static rule in it accepts our mark. */

const SSH = 22;
/** What the host's own firewall leaves open. */
const OPEN = 8080;

type People = "laptop" | "stranger";

const NEEDS = {
  "nftables of its own": [],
  "iptables-nft": ["iptables-nft"],
  "iptables-legacy": ["iptables-legacy"],
} as const satisfies Partial<Record<keyof typeof KINDS, readonly string[]>>;

/** All that must hold beside a firewall, of whichever kind. */
const beside = (kind: keyof typeof KINDS) => (): void => {
  let scene: Scene<People>;
  let firewall: HostFirewall;
  let user: User;
  let before: { running: string; saved: Record<string, string> };

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services", mode: "mark" } });
    await scene.server.agent.listen({ port: OPEN });
    firewall = await openHostFirewall(scene.server, kind);
    before = { running: await firewall.running(), saved: firewall.saved() };
    user = await scene.instance.addUser("ann", ["--services", "ssh"]);
    await scene.instance.start();
  });
  afterAll(async () => {
    await scene?.close();
    firewall?.close();
  });

  const reach = (who: People, port = SSH, family: 4 | 6 = 4): Promise<string> =>
    scene.instance.tryConnect(scene.hosts[who], port, { family, timeout: 300 });
  const integrate = (...flags: string[]): Promise<Ran> =>
    scene.instance.knockctl(["firewall", "integrate", "--root", firewall.root, ...flags]);
  const opens = (who: People, deadline = 2_000): Promise<boolean> =>
    until(async () => (await reach(who)) === "open", { what: `${who} gets in`, deadline });

  test("a knock opens nothing while the rule is missing, and status says so", async () => {
    await scene.instance.knock(scene.hosts.laptop, user);
    expect(await reach("laptop")).toBe("silent");
    const { ok, knockd } = await scene.instance.json(["status"]);
    expect(ok).toBe(false);
    expect(knockd.problems.join("\n")).toContain("the accept-mark rule is not right");
    expect(await integrate("--check")).toMatchObject({ code: 1, stdout: expect.stringContaining("missing") });
  });

  test("--dry-run says what it would do, and does nothing", async () => {
    const { code, stdout } = await integrate("--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(/(insert rule|-I INPUT 1)/);
    expect(await firewall.running()).toBe(before.running);
    expect(firewall.saved()).toEqual(before.saved);
  });

  test("integrate adds the rule, and a second time nothing", async () => {
    const first = await integrate();
    expect(first.code, first.stderr).toBe(0);
    const there = await firewall.running();
    expect(there).not.toBe(before.running);
    expect(there, "a bare ACCEPT would open the host").not.toMatch(/^-A \S+ -j ACCEPT$/m);
    expect(await integrate("--check")).toMatchObject({ code: 0 });
    expect((await integrate()).stdout).toContain("nothing to do");
    expect(await firewall.running()).toBe(there);
    expect((await scene.instance.json(["status"])).knockd.problems).toEqual([]);
  });

  test("a knock opens its port for IPv4 and IPv6 alike, and strangers stay out", async () => {
    await scene.instance.knock(scene.hosts.laptop, user);
    await opens("laptop");
    await scene.instance.knock(scene.hosts.laptop, user, { family: 6 });
    await until(async () => (await reach("laptop", SSH, 6)) === "open", { what: "IPv6 is open" });
    expect([await reach("stranger"), await reach("stranger", SSH, 6)]).toEqual(["silent", "silent"]);
    expect(await reach("stranger", OPEN), "what the host leaves open").toBe("open");
  });

  test("revoke ends the session at once, and the port is closed", async () => {
    const session: HeldSession = await holdSession(scene.hosts.laptop, scene.server, SSH);
    await scene.instance.must(["revoke", "--all"]);
    await session.isToldItsEnd();
    expect(await reach("laptop")).toBe("silent");
  });

  test("the port closes at its time", async () => {
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "ssh", "--ttl", "3s"]);
    expect(await reach("laptop")).toBe("open");
    const ends = await onlyGrantEnds(scene.instance);
    await expectClosesAt(scene.instance, scene.hosts.laptop, SSH, ends);
  });

  test("all is right again within two seconds of the host's own reload", async () => {
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "ssh", "--ttl", "5m"]);
    await firewall.restore();
    await opens("laptop");
    expect(await reach("stranger")).toBe("silent");
    expect(await integrate("--check")).toMatchObject({ code: 0 });
  });

  test("all is right again within two seconds of `nft flush ruleset` and a reload", async () => {
    await scene.server.run("nft", ["flush", "ruleset"]);
    await firewall.restore();
    await opens("laptop");
    expect(await reach("stranger")).toBe("silent");
  });

  test("a doubled rule is found, and made one", async () => {
    const once = await firewall.running();
    await firewall.plant("ours");
    const { code, stdout } = await integrate("--check");
    expect(code).toBe(1);
    expect(stdout).toContain("doubled");
    expect((await integrate()).code).toBe(0);
    expect(await firewall.running()).toBe(once);
  });

  test("it refuses a bit that a rule of the host uses, and names the rule", async () => {
    await firewall.plant("foreign");
    const { code, stderr } = await integrate();
    await firewall.pull();
    expect(code).toBe(1);
    expect(stderr).toMatch(/esp|inet host forward/);
    expect(stderr).toContain("choose another bit");
  });

  test("--remove leaves running rules and saved files byte for byte as they were", async () => {
    const { code, stderr } = await integrate("--remove");
    expect(code, stderr).toBe(0);
    expect(await firewall.running()).toBe(before.running);
    expect(firewall.saved()).toEqual(before.saved);
    expect(await integrate("--remove")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("nothing to do"),
    });
    expect(await reach("laptop")).toBe("silent");
  });
};

for (const kind of Object.keys(NEEDS) as (keyof typeof NEEDS)[]) {
  const { describe } = needs("root", "namespaces", "nft", "ip", ...NEEDS[kind]);
  describe(`beside ${kind} with policy drop,`, beside(kind));
}

needs("root", "namespaces", "nft", "ip").describe("beside nftables in files that include each other,", () => {
  let scene: Scene<People>;
  let firewall: HostFirewall;
  const INCLUDED = "etc/lab.d/10-host.nft";

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services", mode: "mark" } });
    firewall = await openHostFirewall(scene.server, "nftables in included files");
    await scene.instance.start();
  });
  afterAll(async () => {
    await scene?.close();
    firewall?.close();
  });

  const integrate = (...flags: string[]): Promise<Ran> =>
    scene.instance.knockctl(["firewall", "integrate", "--root", firewall.root, ...flags]);
  const reach = (who: People): Promise<string> =>
    scene.instance.tryConnect(scene.hosts[who], SSH, { timeout: 300 });

  test("the rule goes into the included file, holds through a reload, and goes without a trace", async () => {
    const before = { running: await firewall.running(), saved: firewall.saved() };
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "ssh", "--ttl", "5m"]);
    expect(await reach("laptop")).toBe("silent");

    const added = await integrate();
    expect(added.code, added.stderr).toBe(0);
    expect(added.stdout).toContain(`write /${INCLUDED}`);
    expect(firewall.saved()["etc/nftables.conf"]).toBe(before.saved["etc/nftables.conf"]);
    await firewall.restore();
    await until(async () => (await reach("laptop")) === "open", { what: "open after a reload" });
    expect(await reach("stranger")).toBe("silent");
    expect(await integrate("--check")).toMatchObject({ code: 0, stderr: "" });

    expect((await integrate("--remove")).code).toBe(0);
    expect({ running: await firewall.running(), saved: firewall.saved() }).toEqual(before);
  });

  test("a file that nft would not take with the others is left as it is", async () => {
    const path = join(firewall.root, INCLUDED);
    const broken = readFileSync(path, "utf8").replace("$OPEN", "$SHUT");
    writeFileSync(path, broken);
    expect(await integrate()).toMatchObject({ code: 5, stderr: expect.stringContaining("SHUT") });
    expect(readFileSync(path, "utf8")).toBe(broken);
  });

  test("a chain in one line is left to the admin: which line it is, and then that it is done", async () => {
    const path = join(firewall.root, INCLUDED);
    const chain = (rule: string) =>
      writeFileSync(
        path,
        `table inet host {\n chain input { type filter hook input priority 0; policy drop; ${rule}iif lo accept; }\n}\n`,
      );
    chain("");
    const asked = await integrate();
    expect(asked.code, asked.stderr).toBe(0);
    const [, rule = ""] = /line 2: put this first .* yourself: (.*)/.exec(asked.stderr) ?? [];
    expect(rule).not.toBe("");
    expect(await integrate("--check")).toMatchObject({ code: 1 });
    chain(`${rule}; `);
    await firewall.restore();
    expect(await integrate("--check")).toMatchObject({ code: 0, stderr: "" });
    await until(async () => (await reach("laptop")) === "open", { what: "open by the admin's line" });
    const removed = await integrate("--remove");
    expect(removed.code, removed.stderr).toBe(0);
    expect(removed.stderr).toContain(`line 2: take this out`);
  });
});

needs("root", "namespaces", "nft", "ip", "iptables", "ufw").describe("beside ufw,", () => {
  let scene: Scene<People>;
  let root: string;
  const FILES = ["etc/ufw/before.rules", "etc/ufw/before6.rules"];
  const texts = (): string[] => FILES.map((file) => readFileSync(join(root, file), "utf8"));

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "knockline-ufw-"));
    for (const path of ["etc/ufw", "etc/default/ufw"])
      cpSync(`/${path}`, join(root, path), { recursive: true });
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services", mode: "mark" } });
    await ufw("--force", "enable");
    await scene.instance.start();
  });
  afterAll(async () => {
    await scene?.close();
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  });

  /** Runs ufw with our copy of its files in the place of the machine's. */
  async function ufw(...args: string[]): Promise<void> {
    const mount =
      'mount --bind "$0/etc/ufw" /etc/ufw; mount --bind "$0/etc/default" /etc/default; exec ufw "$@"';
    const ran = await scene.server.run("unshare", ["-m", "sh", "-c", `set -e; ${mount}`, root, ...args]);
    expect(ran.code, ran.stderr).toBe(0);
  }
  const integrate = (...flags: string[]): Promise<Ran> =>
    scene.instance.knockctl(["firewall", "integrate", "--root", root, ...flags]);
  const reach = (who: People): Promise<string> =>
    scene.instance.tryConnect(scene.hosts[who], SSH, { timeout: 300 });

  test("a grant opens the port, also after `ufw reload`; --remove leaves ufw's files as they were", async () => {
    const before = texts();
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "ssh", "--ttl", "5m"]);
    expect(await reach("laptop")).toBe("silent");

    const added = await integrate();
    expect(added.code, added.stderr + added.stdout).toBe(0);
    expect([await reach("laptop"), await reach("stranger")]).toEqual(["open", "silent"]);

    await ufw("reload");
    await until(async () => (await reach("laptop")) === "open", { what: "open again", deadline: 2_000 });
    expect(await reach("stranger")).toBe("silent");
    expect(await integrate("--check")).toMatchObject({ code: 0 });

    expect((await integrate("--remove")).code).toBe(0);
    expect(texts()).toEqual(before);
    expect(await reach("laptop")).toBe("silent");
  });
});
