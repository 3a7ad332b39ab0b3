import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openScene, type Scene, type Settings } from "../helpers/instance.ts";
import type { Ran } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

/**
 * `knockctl audit` on a host with planted faults. Whatever it prints as the fix of each is then done as it is printed;
 * the host's /etc is a copy that only these commands see.
 */

const { describe } = needs("root", "namespaces", "nft", "ip", "iptables", "sshd", "ssh-keygen");

const DATABASE = 3306;

interface Finding {
  readonly id: string;
  readonly what: string;
  readonly fix: string;
}

describe("the audit", () => {
  let settings: Settings = {
    firewall: { guard: "nothing" },
    services: { ssh: { ports: ["tcp/22"] }, web: { ports: ["tcp/80"] } },
  };
  let scene: Scene<"laptop">;
  let etc: string;

  beforeAll(async () => {
    scene = await openScene(["laptop"], settings);
    etc = mkdtempSync(join(tmpdir(), "knockline-etc-"));
    for (const part of ["upper/ssh/sshd_config.d", "upper/iptables", "work", "bin"])
      mkdirSync(join(etc, part), { recursive: true });
    // there is no systemd in a namespace: what it would reload is read anew at each look
    writeFileSync(join(etc, "bin/systemctl"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    await scene.server.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(etc, "hostkey")]);
    sshdConfig("PermitRootLogin no", "PasswordAuthentication no");
    await scene.instance.start();
  });
  afterAll(async () => {
    await scene?.close();
    if (etc !== undefined) rmSync(etc, { recursive: true, force: true });
  });

  function sshdConfig(...lines: string[]): void {
    const all = ["Include /etc/ssh/sshd_config.d/*.conf", `HostKey ${join(etc, "hostkey")}`, ...lines];
    writeFileSync(join(etc, "upper/ssh/sshd_config"), `${all.join("\n")}\n`);
  }

  /** Runs a command line on the server, where /etc is our copy. */
  function bash(line: string): Promise<Ran> {
    const layers = `lowerdir=/etc,upperdir=${etc}/upper,workdir=${etc}/work`;
    const script = `mount -t overlay overlay -o ${layers} /etc && PATH=${etc}/bin:$PATH && eval "$1"`;
    return scene.server.run("unshare", ["-m", "bash", "-c", script, "bash", line], {
      env: { ...process.env, KNOCKLINE_CONFIG: scene.instance.config },
    });
  }

  const iptables = async (line: string): Promise<void> => {
    const { code, stderr } = await bash(line);
    expect(code, stderr).toBe(0);
  };

  async function findings(): Promise<Finding[]> {
    const words = scene.instance.commandLine(["audit", "--json"]).map((word) => `'${word}'`);
    const { code, stdout, stderr } = await bash(`'${process.execPath}' ${words.join(" ")}`);
    const found = (JSON.parse(stdout || "null") as { findings: Finding[] } | null)?.findings;
    if (found === undefined) throw new Error(`exit ${code}: ${stderr}`);
    expect(code).toBe(found.length === 0 ? 0 : 1);
    return found.filter(({ id }) => id !== "receive-buffer"); // the whole machine's, not this namespace's
  }
  const show = async (): Promise<string> =>
    (await findings()).map(({ id, what }) => `${id}: ${what}`).join("\n");
  const ids = async (): Promise<string[]> => (await findings()).map(({ id }) => id).sort();

  /** Lays sections over the settings that are there. */
  function configure(sections: Settings): void {
    settings = { ...settings, ...sections };
    scene.instance.configure(settings);
  }

  /** Does what a fix says: the settings it names, and the command it gives. */
  async function follow({ id, fix }: Finding): Promise<void> {
    const [, key = "", value = "", table = "", part] =
      /^set (\w+) = (.+?) (?:\(or .*?\) )?under \[(\w+)\.?(\w+)?\] in .*, then: /.exec(fix) ?? [];
    if (key !== "") {
      const change = { [key]: JSON.parse(value) };
      configure({ [table]: { ...(settings[table] as Settings), ...(part ? { [part]: change } : change) } });
    }
    const command = fix.replace(/^.*, then: /, "");
    const { code, stdout, stderr } = await bash(command);
    expect(code, `${id}: ${command}\n${stdout}${stderr}`).toBe(0);
  }

  /** Follows every fix, of which one may mend several faults, until nothing is found. */
  async function mendAll(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      const found = await findings();
      if (found.length === 0) return;
      const fixes = new Map(found.map((one) => [one.fix, one]));
      for (const one of fixes.values()) await follow(one);
    }
    expect(await findings()).toEqual([]);
  }

  test("finds a host that closes nothing, and leads it to a confirmed policy", async () => {
    expect(await ids()).toEqual(["no-firewall", "reachable-tcp-22", "reachable-tcp-80"]);
    const [first] = await findings();
    await follow(first as Finding);
    expect(await ids()).toEqual(["policy-trial"]);
    await mendAll();
    expect((await scene.instance.json(["status"])).firewall).toMatchObject({
      state: "ok",
      guard: "services",
    });
  });

  test("finds what the host's own firewall spoils", async () => {
    await scene.server.agent.listen({ port: DATABASE });
    await iptables("iptables-nft -P INPUT DROP && ip6tables-nft -P INPUT DROP");
    await iptables("iptables-nft -A INPUT -j ACCEPT");
    await iptables(
      "iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    );
    await iptables("ip6tables-nft -A INPUT -m mark --mark 0x04000000/0x04000000 -j ACCEPT");
    await iptables("ip6tables-nft -A INPUT -m mark --mark 0x04000000/0x04000000 -j ACCEPT");
    await iptables("printf '*filter\\n:INPUT DROP [0:0]\\nCOMMIT\\n' > /etc/iptables/rules.v4");
    expect(await ids()).toEqual([
      "accept-all-4",
      "accept-mark-doubled-iptables-nft-input-ipv6",
      "accept-mark-missing-etc-iptables-rules-v4-input",
      "accept-mark-missing-iptables-nft-input-ipv4",
      "published-ports",
      `reachable-tcp-${DATABASE}`,
    ]);
    await mendAll();
    await iptables("ip6tables-nft -P INPUT ACCEPT");
    expect(await ids()).toEqual(["ipv6-differs"]);
    await mendAll();
    await iptables("iptables-nft -P INPUT ACCEPT && iptables-nft -F && ip6tables-nft -F");
    expect(await ids()).toEqual([]);
  });

  test("finds another program that uses our bit of the mark", async () => {
    await iptables("iptables-nft -A INPUT -m mark --mark 0x04000000/0x04000000 -j DROP");
    expect(await ids()).toContain("mark-taken-1");
    await iptables("iptables-nft -F");
  });

  test("finds what is weak, stale or readable, and its fixes mend it", async () => {
    const { instance } = scene;
    const bob = await instance.addUser("bob");
    await instance.addUser("eve", [
      "--proof",
      "otp",
      "--expires",
      new Date(Date.now() + 3_000).toISOString(),
    ]);
    await instance.must(["grant", "203.0.113.7", "--ttl", "12h"]);
    await instance.must(["allow", "add", "198.0.0.0/8", "--services", "ssh", "--yes"]);
    await instance.must(["allow", "add", "gone.invalid", "--services", "ssh"]);
    await until(
      async () =>
        (await instance.json(["allow", "list"])).entries.some((e: { failing: unknown }) => e.failing),
      {
        what: "the name has failed",
      },
    );
    await bash(`chmod 0644 ${join(instance.folder, "secret")}`);
    sshdConfig("PermitRootLogin yes", "PasswordAuthentication yes", "PermitEmptyPasswords yes");
    const boot = join(instance.folder, "boot.nft");
    const hasNetwork = () => readFileSync(boot, "utf8").includes("198.0.0.0");
    await until(hasNetwork, { what: "boot.nft follows the allowlist", deadline: 10_000 });
    truncateSync(boot, readFileSync(boot).length - 100);
    configure({
      services: {
        ...(settings.services as Settings),
        app: { ports: [`udp/${bob.steps[1]?.port}`] },
      },
    });
    instance.signal("SIGHUP");
    const isTold = async (...findings: string[]) => {
      const told = await ids();
      return findings.every((id) => told.includes(id));
    };
    await until(() => isTold("policy-pending", "expired-eve"), {
      what: "the settings are read, and eve's time is over",
    });
    expect(await ids(), await show()).toEqual([
      "boot-file-damaged",
      "expired-eve",
      "mode-secret",
      "name-gone.invalid",
      "no-proof-bob",
      "policy-pending",
      "sshd-empty-passwords",
      "sshd-passwords",
      "sshd-root",
      "user-problem-1",
      "wide-198-0-0-0-8",
    ]);
    await mendAll();
  });

  test("tells a person what, why and what to do, and changes nothing", async () => {
    await scene.instance.addUser("joe");
    const { code, stdout } = await scene.instance.knockctl(["audit"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /weak +user joe shows no proof but the ports\n +why: .+\n +fix: .+user set joe --proof otp --otp/,
    );
    expect(await ids()).toEqual(["no-proof-joe"]);
  });
});
