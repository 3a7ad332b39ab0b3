import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import { debianArchitecture } from "../../scripts/cache.mjs";
import { root } from "../../scripts/steps.mjs";
import { exposureIn, MOST_EXPOSURE } from "../helpers/exposure.ts";
import { Machine } from "../helpers/machine.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const CONFIG = "/etc/knockline/knockline.toml";
const UNITS = Object.keys(MOST_EXPOSURE);
const [OLD, NEW] = ["0.9.0", "0.9.1"];
/** Fetching, installing and booting twice, on a busy machine. */
const LIMIT = 400_000;

let folder: string;

/** Builds packages as an admin would get them. @returns their files */
async function build(version: string, ...options: string[]): Promise<string[]> {
  const out = join(folder, version);
  const arch = ["--arch", debianArchitecture()];
  const args = [join(root, "scripts/deb.mjs"), "--version", version, "--out", out, ...arch, ...options];
  await promisify(execFile)(process.execPath, args);
  return readdirSync(out)
    .filter((name) => name.endsWith(".deb"))
    .map((name) => join(out, name));
}

const isActive = async (machine: Machine, unit: string): Promise<boolean> =>
  (await machine.property(unit, "ActiveState")) === "active";
const mainPid = (machine: Machine): Promise<string> => machine.property("knockline-knockd", "MainPID");
const grants = async (machine: Machine): Promise<{ address: string; left: number }[]> =>
  (await machine.json("list")).grants;
const stranger = (machine: Machine): Promise<string> => machine.knocking("stranger", 22);
const laptop = (machine: Machine): Promise<string> => machine.knocking("laptop", 22);

/** Install, a first user, a guarded sshd. Nothing may be closed before the admin says so. */
async function setUp(machine: Machine, files: readonly string[]): Promise<void> {
  await machine.must("apt-get", "install", "-y", "-qq", ...files.map(Machine.packagePath), "tcpdump");
  expect(await isActive(machine, "knockline-knockd")).toBe(true);
  expect((await machine.json("status")).firewall).toMatchObject({ state: "ok", guard: "nothing" });
  expect(await stranger(machine)).toBe("open");

  expect(await machine.must("knockctl", "init")).toContain("user me may open ssh by knocking");
  machine.edit(CONFIG, 'guard = "nothing"', 'guard = "services"');
  await machine.must("knockctl", "firewall", "apply", "--now");
  expect(await stranger(machine)).toBe("silent");
}

/** The units as this systemd reads and weighs them, and what the two daemons may do. */
async function looksRight(machine: Machine): Promise<void> {
  const verify = await machine.run("systemd-analyze", ["verify", "--man=no", ...UNITS]);
  expect(verify.stdout + verify.stderr).toBe("");
  for (const [unit, most] of Object.entries(MOST_EXPOSURE)) {
    const report = await machine.must("systemd-analyze", "security", "--no-pager", unit);
    expect(exposureIn(report), report).toBeLessThanOrEqual(most);
  }
  const modes = await machine.must(
    "stat",
    "-c",
    "%n %a %U:%G",
    "/etc/knockline",
    CONFIG,
    "/etc/knockline/secret",
    "/etc/knockline/ari.secret",
    "/var/lib/knockline",
    "/run/knockline/admin.sock",
  );
  expect(modes).toBe(`/etc/knockline 750 root:knockline
${CONFIG} 640 root:knockline
/etc/knockline/secret 640 root:knockline
/etc/knockline/ari.secret 640 root:knockline-phone
/var/lib/knockline 700 knockline:knockline
/run/knockline/admin.sock 600 knockline:knockline
`);
  const status = await machine.must("cat", `/proc/${await mainPid(machine)}/status`);
  expect(status).toMatch(/^CapEff:\t0{12}1000$/m); // CAP_NET_ADMIN, capabilities(7)
  expect(status).toMatch(/^CapBnd:\t0{12}1000$/m);
}

/** Without an Asterisk it waits for one. It may see the settings and Asterisk's password, no secret and no store. */
async function phoneRuns(machine: Machine): Promise<void> {
  machine.edit(CONFIG, "enabled = false", "enabled = true");
  await machine.must("systemctl", "restart", "knockline-knockd");
  await machine.must("systemctl", "start", "knockline-phone-auth");
  await until(async () => (await machine.json("status")).phone.state === "connecting", {
    what: "phone-auth has reached the gate",
  });
  const pid = await machine.property("knockline-phone-auth", "MainPID");
  const seen = await machine.must("nsenter", "-t", pid, "-m", "ls", "/etc/knockline");
  expect(seen.split("\n").filter(Boolean)).toEqual(["ari.secret", "knockline.toml"]);
  expect((await machine.run("nsenter", ["-t", pid, "-m", "ls", "/var/lib/knockline/db"])).code).not.toBe(0);
  expect(await machine.must("cat", `/proc/${pid}/status`)).toMatch(/^CapBnd:\t0{16}$/m);
  await machine.must("systemctl", "stop", "knockline-phone-auth");
}

/** The user's own client, run on the laptop. A TCP step is seen by a tcpdump, under the unit's restrictions too. */
async function knock(machine: Machine): Promise<void> {
  await machine.must("knockctl", "user", "set", "me", "--steps", "udp,tcp,udp");
  expect((await machine.json("status")).knockd.problems).toEqual([]);
  const script = join(folder, "knock-me.sh");
  writeFileSync(script, await machine.must("knockctl", "user", "client", "me", "--host", machine.address));
  const knocked = await machine.host("laptop").run("bash", [script]);
  expect(knocked.code, knocked.stdout + knocked.stderr).toBe(0);
  expect(await laptop(machine)).toBe("open");
  expect(await stranger(machine)).toBe("silent");
}

/** Each line is an entry of the journal, under its unit and by its weight. */
async function isInTheJournal(machine: Machine): Promise<void> {
  const entries = async (...options: string[]): Promise<Record<string, string>[]> => {
    const text = await machine.must("journalctl", "-u", "knockline-knockd", "-o", "json", ...options);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  };
  const said = (entry: Record<string, string>) => JSON.parse(entry.MESSAGE ?? "");
  const opened = (await entries("-p", "info")).find(({ MESSAGE = "" }) =>
    MESSAGE.includes("opened by a knock"),
  );
  expect(opened).toMatchObject({
    _SYSTEMD_UNIT: "knockline-knockd.service",
    PRIORITY: "6",
    _TRANSPORT: "stdout",
  });
  const { address } = machine.host("laptop");
  expect(said(opened ?? {})).toMatchObject({
    level: "info",
    name: "knockd",
    user: "me",
    address,
    services: ["ssh"],
  });

  machine.edit(CONFIG, "[history]", "[histroy]");
  await machine.must("systemctl", "reload", "knockline-knockd");
  await until(async () => (await entries("-p", "err")).length > 0, {
    what: "the journal has the mistake as an error",
  });
  expect((await entries("-p", "err")).map(said)).toMatchObject([
    { level: "error", message: expect.stringContaining("histroy") },
  ]);
  machine.edit(CONFIG, "[histroy]", "[history]");
}

/** Closing rules before the network, then the live grant with its rest; what ran out meanwhile stays closed. */
async function survivesReboot(machine: Machine): Promise<void> {
  await machine.must("knockctl", "grant", "203.0.113.9", "--services", "ssh", "--ttl", "5s");
  const [before] = (await grants(machine)).filter(
    ({ address }) => address === machine.host("laptop").address,
  );
  await machine.reboot();
  const closed = Number(await machine.property("knockline-firewall", "ExecMainExitTimestampMonotonic"));
  const network = Number(await machine.property("network-pre.target", "ActiveEnterTimestampMonotonic"));
  expect(await isActive(machine, "knockline-firewall")).toBe(true);
  expect(closed).toBeGreaterThan(0);
  expect(closed).toBeLessThanOrEqual(network);
  await until(() => isActive(machine, "knockline-knockd"), { what: "knockd is up", deadline: 20_000 });
  await until(async () => (await grants(machine)).length === 1, {
    what: "only the live grant is back",
    deadline: 8_000,
  });
  const [after] = await grants(machine);
  expect(after?.address).toBe(machine.host("laptop").address);
  expect(after?.left).toBeLessThan(before?.left ?? 0);
  expect(after?.left).toBeGreaterThan((before?.left ?? 0) - 120);
  expect(await laptop(machine)).toBe("open");
  expect(await stranger(machine)).toBe("silent");
}

/** A process that stands still gives no proof of life: systemd ends it and starts another. */
async function survivesFreeze(machine: Machine): Promise<void> {
  const dropIn = "/run/systemd/system/knockline-knockd.service.d";
  await machine.must("mkdir", "-p", dropIn);
  await machine.must(
    "sh",
    "-c",
    `printf '[Service]\\nWatchdogSec=3s\\nTimeoutAbortSec=1s\\n' >${dropIn}/test.conf`,
  );
  await machine.must("systemctl", "daemon-reload");
  await machine.must("systemctl", "restart", "knockline-knockd");
  const frozen = await mainPid(machine);
  await machine.must("kill", "-STOP", frozen);
  await until(
    async () => (await mainPid(machine)) !== frozen && (await isActive(machine, "knockline-knockd")),
    {
      what: "another knockd runs",
      deadline: 20_000,
      every: 200,
    },
  );
  expect(await laptop(machine)).toBe("open");
  expect(await stranger(machine)).toBe("silent");
  await machine.must("rm", "-r", dropIn);
  await machine.must("systemctl", "daemon-reload");
}

/** Stopped, ports stay closed and doors stay open; the service's account is the gate for one command of root's meanwhile. */
async function survivesStop(machine: Machine): Promise<void> {
  await machine.must("systemctl", "stop", "knockline-knockd");
  expect(await laptop(machine)).toBe("open");
  expect(await stranger(machine)).toBe("silent");
  expect(await grants(machine)).toHaveLength(1);
  const guest = ["203.0.113.10", "--services", "ssh", "--ttl", "10m"];
  await machine.must("knockctl", "grant", ...guest);
  expect(await machine.must("nft", "list", "set", "inet", "knockline", "ssh4")).toContain("203.0.113.10");
  await machine.must("knockctl", "revoke", "203.0.113.10");
  expect(await machine.must("nft", "list", "set", "inet", "knockline", "ssh4")).not.toContain("203.0.113.10");
  await machine.must("chmod", "0500", "/var/lib/knockline/db"); // which would not stop root
  const refused = await machine.run("knockctl", ["list"]);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining("/db is denied") });
  await machine.must("chmod", "0700", "/var/lib/knockline/db");
  await machine.must("systemctl", "start", "knockline-knockd");
}

/** A new version that does not like the settings leaves the old process as it was; then up, and down again. */
async function changesVersion(machine: Machine, older: string, newer: string): Promise<void> {
  const before = await mainPid(machine);
  machine.edit(CONFIG, "[history]", "[histroy]");
  const failed = await machine.run("dpkg", ["-i", Machine.packagePath(newer)]);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain("what ran before goes on");
  expect(await mainPid(machine)).toBe(before);
  expect(await isActive(machine, "knockline-knockd")).toBe(true);
  machine.edit(CONFIG, "[histroy]", "[history]");

  await machine.must("dpkg", "--configure", "knockline");
  expect(await mainPid(machine)).not.toBe(before);
  for (const file of [newer, older]) {
    await machine.must("dpkg", "-i", Machine.packagePath(file));
    expect(await isActive(machine, "knockline-knockd")).toBe(true);
    expect((await machine.json("user", "list")).users).toHaveLength(1);
    expect(await laptop(machine)).toBe("open");
    expect(await stranger(machine)).toBe("silent");
  }
}

/** Removed, the host is as it was, and settings and users wait; purged, they are gone too. */
async function leaves(machine: Machine): Promise<void> {
  await machine.must("apt-get", "remove", "-y", "-qq", "knockline");
  expect(await machine.must("nft", "list", "ruleset")).toBe("");
  expect(await stranger(machine)).toBe("open");
  expect(existsSync(machine.path(CONFIG))).toBe(true);
  expect(existsSync(machine.path("/usr/lib/knockline/dist"))).toBe(false);
  await machine.must("dpkg", "--purge", "knockline");
  for (const path of ["/etc/knockline", "/var/lib/knockline", "/run/knockline"])
    expect((await machine.run("test", ["-e", path])).code, path).toBe(1);
  expect(await machine.must("find", "/etc/systemd/system", "-name", "knockline*")).toBe("");
}

/** What a whole life is played with. */
interface Play {
  readonly suite: string;
  readonly build: () => Promise<string[]>;
  readonly check: (machine: Machine) => Promise<void>;
}

async function wholeLife({ suite, build: buildOld, check }: Play): Promise<void> {
  // packages are built while the machine boots, the newer ones while the older live: processors wait meanwhile
  const building = buildOld();
  const newer = building.then(() => build(NEW, "--no-node"));
  newer.catch(() => {}); // whoever awaits it hears of it
  const machine = await Machine.open(suite, ["laptop", "stranger"]);
  try {
    const files = await building;
    machine.lay(files);
    await setUp(machine, files);
    await check(machine);
    await looksRight(machine);
    await phoneRuns(machine);
    await knock(machine);
    await isInTheJournal(machine);
    await survivesReboot(machine);
    await survivesFreeze(machine);
    await survivesStop(machine);
    const [file = ""] = await newer;
    machine.lay([file]);
    await changesVersion(machine, files[0] ?? "", file);
    await leaves(machine);
  } finally {
    await newer.catch(() => {});
    await machine.close();
  }
}

const tools = ["root", "namespaces", "mmdebstrap", "systemd-nspawn", "nsenter"];
const { describe, test } = needs(...tools);
const { test: longTest } = needs(...tools, "long");

describe("a fresh machine", () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-packages-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(
    "Debian 13, its own Node: guards sshd, survives reboot, freeze and upgrade, leaves no trace",
    () =>
      wholeLife({
        suite: "trixie",
        build: () => build(OLD, "--no-node"),
        check: async (machine) => {
          const program = await machine.must("readlink", `/proc/${await mainPid(machine)}/exe`);
          expect(program.trim()).toBe("/usr/bin/node");
        },
      }),
    LIMIT,
  );

  longTest(
    "Debian 12, Node 18 beside: the same by knockline-node, and Node 18 is left alone",
    () =>
      wholeLife({
        suite: "bookworm",
        build: async () => (await build(OLD)).sort((a) => (a.includes("knockline-node") ? 1 : -1)),
        check: async (machine) => {
          const program = await machine.must("readlink", `/proc/${await mainPid(machine)}/exe`);
          expect(program.trim()).toBe("/usr/lib/knockline/node/bin/node");
          expect(await machine.must("node", "--version")).toMatch(/^v18\./);
        },
      }),
    LIMIT,
  );
});
