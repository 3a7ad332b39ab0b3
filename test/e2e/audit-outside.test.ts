import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../src/knockctl/audit/outside/report.ts";
import { openScene, type Scene } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

/** `knockctl audit --from-outside` on machines without an instance: a laptop that knocks, and an office that is allowed. */

const { describe } = needs("namespaces", "nft", "ip", "bash");

const KNOCKCTL = fileURLToPath(new URL("../../bin/knockctl", import.meta.url));
const SECOND = "203.0.113.77";
const SETTINGS = {
  firewall: { guard: "everything", trusted_interfaces: ["tovpn"] },
};

describe("the audit from outside", () => {
  let scene: Scene<"laptop" | "office">;
  let laptop: Host;
  let office: Host;
  let folder: string;
  let host: string;

  beforeAll(async () => {
    scene = await openScene(["laptop", "office"], SETTINGS);
    ({ laptop, office } = scene.hosts);
    host = scene.server.address;
    folder = mkdtempSync(join(tmpdir(), "knockline-outside-"));
    await laptop.anyip(`${SECOND}/32`);
    await scene.server.ip([
      `link add name tovpn type veth peer name wg0 netns ${laptop.pid}`,
      "addr add 10.9.0.1/24 dev tovpn",
      "link set tovpn up",
    ]);
    await laptop.ip(["addr add 10.9.0.2/24 dev wg0", "link set wg0 up"]);
    await scene.instance.start();
    await scene.instance.must(["allow", "add", office.address, "--note", "the office"]);
  });
  afterAll(async () => {
    await scene?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const command = (args: readonly string[]): string[] => [KNOCKCTL, "audit", ...args];
  // no settings file is there, and none is needed
  const env = { KNOCKLINE_CONFIG: "/nonexistent/knockline.toml" };
  const audit = (from: Host, ...args: string[]) =>
    from.run(process.execPath, command(["--from-outside", host, ...args]), { env, timeout: 60_000 });
  const results = ({ steps }: Report) => Object.fromEntries(steps.map(({ step, result }) => [step, result]));
  const saved = (name: string): Report => JSON.parse(readFileSync(join(folder, name), "utf8"));

  test("sees every step pass where all is well, and keeps it in a file", async () => {
    await scene.instance.addUser("ann", ["--services", "ssh,web", "--ttl", "4s"]);
    const client = await scene.instance.client("ann");
    const words = ["--client", client, "--ports", "tcp/22,tcp/80", "--second", SECOND, "--wait", "20s"];
    const vpn = ["--via", "wg0", "--via-host", "10.9.0.1"];
    const { code, stdout, stderr } = await audit(
      laptop,
      ...words,
      ...vpn,
      "--as",
      "laptop",
      "--save",
      join(folder, "laptop.json"),
    );
    expect(code, stdout + stderr).toBe(0);
    expect(stderr).toContain("waiting for the expiry: ");
    expect(results(saved("laptop.json"))).toEqual({
      closed: "pass",
      vpn: "pass",
      opens: "pass",
      second: "pass",
      expires: "pass",
    });
    expect(stdout).toMatch(/^STEP +laptop$/m);
    expect(stdout).toMatch(/^closes at the end +ok$/m);
    expect(await scene.instance.tryConnect(laptop, 22)).toBe("silent");
  });

  test("says of a place that is let in already that nothing is proved from there", async () => {
    const { code, stdout } = await audit(
      office,
      "--ports",
      "tcp/22",
      "--as",
      "office",
      "--save",
      join(folder, "office.json"),
    );
    expect(code).toBe(1);
    expect(stdout).toContain("BAD   tcp/22 of 198.51.100.1 open without a knock");
  });

  test("shows what several places saw in one table", async () => {
    const files = ["laptop.json", "office.json"].map((name) => join(folder, name)).join(",");
    const { code, stdout } = await office.run(process.execPath, command(["--merge", files]), { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^STEP +laptop {2}office$/m);
    expect(stdout).toMatch(/^closed before +ok +BAD$/m);
    expect(stdout).toMatch(/^closes at the end +ok +-$/m);
  });

  test("finds a port that stays closed, and a knock that opens nothing", async () => {
    await scene.instance.addUser("bob", ["--services", "ssh"]);
    const client = await scene.instance.client("bob");
    const first = await audit(laptop, "--client", client, "--ports", "tcp/22,tcp/80", "--json");
    expect(first.code).toBe(1);
    expect(JSON.parse(first.stdout).findings).toMatchObject([{ id: "partly-open", from: hostname() }]);
    await scene.instance.must(["revoke", "--all"]);
    await scene.instance.must(["user", "set", "bob", "--disable"]);
    const second = await audit(laptop, "--client", client, "--json");
    expect(second.code).toBe(1);
    const [finding, ...more] = JSON.parse(second.stdout).findings;
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ id: "knock-failed", severity: "high" });
    expect(finding.fix).toContain("knockctl watch bob");
  });

  test("waits for an approval, and sees that the knock alone opened nothing", async () => {
    const options = ["--services", "ssh", "--pin", "--approval", "phone"];
    await scene.instance.json(["user", "add", "carol", "--proof", "none", ...options]);
    const client = await scene.instance.client("carol");
    const words = ["--client", client, "--phone", "--json"];
    const running = laptop.start(process.execPath, command(["--from-outside", host, ...words]), { env });
    const said = () => running.output().includes("Dial 864 and key");
    await until(said, { what: "it says what to dial", deadline: 20_000 });
    const [request] = (await scene.instance.json(["pending"])).pending;
    // the phone's part, done by the admin; what to dial is said only after the look that finds the door still closed
    await scene.instance.must(["approve", request.id]);
    const { code, stdout } = await running.ended;
    expect(code, stdout).toBe(0);
    expect(results(JSON.parse(stdout).vantage_points[0])).toEqual({
      closed: "pass",
      waits: "pass",
      opens: "pass",
    });
  });
});
