import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";

/** A copy of a made-up Incredible PBX, with one more account: whom it let in comes in here, and knocks as before do not. */

const { describe } = needs("namespaces", "nft", "ip");

const FIXTURE = fileURLToPath(new URL("../fixtures/incrediblepbx/debian", import.meta.url));
/** What the fixture lets in, and the laptop. */
const ENTRIES = 7;

describe("an import from Incredible PBX", () => {
  let scene: Scene<"laptop" | "stranger">;
  let copy: string;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" } });
    copy = mkdtempSync(join(tmpdir(), "knockline-pbx-"));
    cpSync(FIXTURE, copy, { recursive: true });
    writeFileSync(join(copy, "root/laptop.iptables"), `ip=${scene.hosts.laptop.address}\n`);
    await scene.instance.start();
  });
  afterAll(async () => {
    await scene?.close();
    if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  });

  const importing = (...more: string[]) =>
    scene.instance.knockctl(["import", "incrediblepbx", copy, ...more]);
  const reached = () =>
    Promise.all(
      [scene.hosts.laptop, scene.hosts.stranger].map((host) => scene.instance.tryConnect(host, 22)),
    );
  const allowed = async () => (await scene.instance.json(["allow", "list"])).entries;

  test("changes nothing when it is rehearsed", async () => {
    const { code, stdout } = await importing("--dry-run", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      done: null,
      problems: [],
      knockd: [{ name: "opencloseALL" }],
    });
    expect(await allowed()).toEqual([]);
    expect(await reached()).toEqual(["silent", "silent"]);
  });

  test("takes nothing at all when a line is not understood, and names it", async () => {
    const wrong = join(copy, "root/eve.iptables");
    writeFileSync(wrong, "# eve\n203.0.113.300\n");
    const { code, stderr } = await importing();
    rmSync(wrong);
    expect(code).toBe(1);
    expect(stderr).toContain(
      "/root/eve.iptables:2: neither a rule of iptables nor an address or a name: 203.0.113.300",
    );
    expect(await allowed()).toEqual([]);
  });

  test("lets in whom the PBX let in, and nobody else", async () => {
    const { code, stdout } = await importing("--users", "ann,bob");
    expect(code).toBe(0);
    expect(stdout).toMatch(/user add ann --services ssh,web,sip --ttl 1h/);
    expect(await reached()).toEqual(["open", "silent"]);
    const entries = await allowed();
    expect(entries).toHaveLength(ENTRIES);
    expect(entries).toContainEqual(
      expect.objectContaining({ what: scene.hosts.laptop.address, services: [], note: "laptop" }),
    );
    // trunks that may register but whose port belongs to no service here are not let in to everything
    expect(entries).toContainEqual(
      expect.objectContaining({ what: "sip1.trunk.example.com", services: ["sip"], note: "trunk one" }),
    );
  });

  test("changes nothing a second time", async () => {
    const { code, stdout } = await importing("--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).done).toEqual({ added: 0, changed: 0, same: ENTRIES });
  });

  test("says where it looked when there is nothing", async () => {
    const { code, stderr } = await scene.instance.knockctl(["import", "incrediblepbx", join(copy, "usr")]);
    expect(code).toBe(3);
    expect(stderr).toContain(join(copy, "usr"));
  });
});
