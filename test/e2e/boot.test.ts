import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { hours, milliseconds } from "../../src/shared/duration.ts";
import type { Policy } from "../../src/shared/firewall/policy.ts";
import { bootText } from "../../src/shared/firewall/ruleset.ts";
import { HOST_PREFIXES } from "../../src/shared/network.ts";
import { type Host, type Lab, openLab, type Ran } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";

/** What closes the host before the network is up and before Node runs: a shell, nft and two files. */

const { describe, test } = needs("root", "namespaces", "nft", "ip", "setpriv");

const PROGRAM = fileURLToPath(new URL("../../systemd/knockline-firewall-load", import.meta.url));
const GUARDED = 22;
/** A port of no service: closed only where everything is. */
const OTHER = 8080;
/** The account `nobody` of every Debian: no right but the one it is given. */
const NOBODY = 65_534;

const policy: Policy = {
  guard: "services",
  mode: "guard",
  mark: 0x04000000,
  onExpiry: "keep",
  keepMax: hours(12),
  services: [{ name: "ssh", ports: [{ proto: "tcp", from: GUARDED, to: GUARDED }], replies: false }],
  public: [],
  trustedInterfaces: [],
  hooks: ["input"],
};

const shell = needs("shellcheck");
shell.test("shellcheck finds nothing in the program that loads the rules at boot", () => {
  const { status, stdout } = spawnSync("shellcheck", ["--shell=sh", PROGRAM], { encoding: "utf8" });
  expect(status, stdout).toBe(0);
});

describe("at boot, without Node and not as root,", () => {
  let lab: Lab;
  let friend: Host;
  let stranger: Host;
  let folder: string;
  let whole: string;

  beforeAll(async () => {
    lab = await openLab();
    friend = await lab.host("friend");
    stranger = await lab.host("stranger");
    for (const port of [GUARDED, OTHER]) await lab.server.agent.listen({ port });
  });
  afterAll(() => lab?.close());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-boot-"));
    chownSync(folder, NOBODY, NOBODY);
    const plan = { owner: folder, current: policy, knockUdp: [], knockTcp: [], prefixes: HOST_PREFIXES };
    const ttl = milliseconds(Number.POSITIVE_INFINITY);
    whole = bootText(plan, [
      { set: "allow4_32", key: "203.0.113.7", ttl, comment: "somebody else" },
      { set: "allow4_32", key: friend.address, ttl },
      { set: "ssh4_32", key: stranger.address, ttl: milliseconds(60_000) },
      { set: "allow6_128", key: friend.address6, ttl },
    ]);
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await lab.server.run("nft", ["flush", "ruleset"]);
  });

  function write(files: { boot?: string; lastGood?: string }): void {
    const names = { boot: "boot.nft", lastGood: "boot.nft.last-good" };
    for (const [key, text] of Object.entries(files)) {
      const path = join(folder, names[key as keyof typeof names]);
      writeFileSync(path, text, { mode: 0o640 });
      chownSync(path, NOBODY, NOBODY);
    }
  }

  const load = (): Promise<Ran> =>
    lab.server.run("setpriv", [
      ...[
        "--reuid",
        `${NOBODY}`,
        "--regid",
        `${NOBODY}`,
        "--clear-groups",
        "--bounding-set",
        "-all,+net_admin",
      ],
      ...["--inh-caps", "-all,+net_admin", "--ambient-caps", "-all,+net_admin", PROGRAM, folder],
    ]);
  const reach = async (host: Host, port: number, address = lab.server.address): Promise<string> =>
    (await host.agent.connect({ address, port, timeout: 300 })).outcome;
  /** @returns what friend and stranger find at the guarded port and at the other one */
  const doors = () =>
    Promise.all([friend, stranger].flatMap((host) => [GUARDED, OTHER].map((port) => reach(host, port))));
  const AS_CONFIRMED = ["open", "open", "silent", "open"];
  const ALL_BUT_FRIENDS = ["open", "open", "silent", "silent"];

  test("the confirmed policy is loaded, silently, and again without harm", async () => {
    write({ boot: whole, lastGood: whole });
    expect(await load()).toMatchObject({ code: 0, stderr: "" });
    const once = (await lab.server.run("nft", ["-t", "list", "ruleset"])).stdout;
    expect(await doors()).toEqual(AS_CONFIRMED);
    expect(await load()).toMatchObject({ code: 0, stderr: "" });
    expect((await lab.server.run("nft", ["-t", "list", "ruleset"])).stdout).toBe(once);
  });

  test("nothing is loaded where no policy was ever confirmed", async () => {
    expect(await load()).toMatchObject({ code: 0, stderr: "" });
    expect((await lab.server.run("nft", ["list", "ruleset"])).stdout).toBe("");
  });

  const damage: Record<string, (text: string) => string> = {
    "is empty": () => "",
    "is cut off in the middle of a line": (text) => text.slice(0, text.length / 2),
    "is cut off at the end of a line, and would still load": (text) => {
      const lines = text.split("\n");
      const half = lines.findIndex((line) => line.startsWith("add rule"));
      return `${lines.slice(0, half + 1).join("\n")}\n`;
    },
    "has one wrong digit": (text) => text.replace(`tcp dport ${GUARDED} `, "tcp dport 23 "),
    "is full of zeros": (text) => "\0".repeat(text.length),
  };
  for (const [how, spoil] of Object.entries(damage)) {
    test(`the second copy is loaded, loudly, where boot.nft ${how}`, async () => {
      write({ boot: spoil(whole), lastGood: whole });
      const { code, stderr } = await load();
      expect(code).toBe(1);
      expect(stderr).toContain("boot.nft is missing or damaged");
      expect(stderr).toContain("loaded its second copy");
      expect(await doors()).toEqual(AS_CONFIRMED);
    });
  }

  test("the second copy is loaded, loudly, where boot.nft is missing", async () => {
    write({ lastGood: whole });
    expect(await load()).toMatchObject({ code: 1, stderr: expect.stringContaining("second copy") });
    expect(await doors()).toEqual(AS_CONFIRMED);
  });

  test("all but the allowlist is closed where both copies are damaged", async () => {
    write({ boot: damage["has one wrong digit"]?.(whole) ?? "", lastGood: "" });
    const { code, stderr } = await load();
    expect(code).toBe(1);
    expect(stderr).toContain("EVERYTHING IS CLOSED but to the allowlist");
    expect(await doors()).toEqual(ALL_BUT_FRIENDS);
    expect(await reach(friend, GUARDED, lab.server.address6)).toBe("open");
    expect(await reach(stranger, GUARDED, lab.server.address6)).toBe("silent");
    await stranger.agent.listen({ port: 4433 });
    const out = await lab.server.agent.connect({ address: stranger.address, port: 4433 });
    expect(out.outcome, "the host's own connections").toBe("open");
  });

  test("all is closed where not even the allowlist can be read", async () => {
    write({ boot: "", lastGood: "" });
    const { code, stderr } = await load();
    expect(code).toBe(1);
    expect(stderr).toContain("EVERYTHING IS CLOSED, the allowlist too");
    expect(await doors()).toEqual(["silent", "silent", "silent", "silent"]);
  });

  test("what is no address in a damaged allowlist is never run", async () => {
    const planted = whole.replace(/^add element inet knockline allow4_32 .*$/m, 'include "/etc/shadow"');
    write({ boot: planted, lastGood: "" });
    const { stderr } = await load();
    expect(stderr).not.toContain("root:");
    expect(await reach(stranger, GUARDED)).toBe("silent");
  });

  test("it says that the host is open where nothing may be loaded", async () => {
    write({ boot: "", lastGood: "" });
    const { code, stderr } = await lab.server.run("setpriv", [
      ...["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups", PROGRAM, folder],
    ]);
    expect(code).toBe(5);
    expect(stderr).toContain("THIS HOST IS OPEN");
  });

  test("what it closes by itself lets the same essentials in as the whole ruleset", () => {
    const rules = (text: string, chain: string): string[] =>
      text.split("\n").flatMap((line) => line.split(`add rule inet knockline ${chain} `)[1] ?? []);
    const hooks: Policy["hooks"] = ["input", "forward"];
    const current: Policy = { ...policy, guard: "everything", services: [], hooks };
    const everything = bootText({ owner: folder, current, knockUdp: [], knockTcp: [], prefixes: [] }, []);
    const wanted = rules(everything, "current_close").filter(
      (rule) => !/@knock_udp|goto/.test(rule) && rule.endsWith("accept"),
    );
    expect(wanted.length).toBeGreaterThan(8);
    const own = (chain: string): string[] =>
      rules(readFileSync(PROGRAM, "utf8"), chain).filter((rule) => !rule.includes("@allow"));
    expect(own("guard")).toEqual([...wanted, "drop"]);
    const published = rules(everything, "current_forward");
    expect(published).toHaveLength(2);
    expect(own("forwarded")).toEqual(published.map((rule) => rule.replace("goto current_tail", "drop")));
  });
});
