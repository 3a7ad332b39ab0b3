import { execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { foundationOf } from "../../src/knockctl/adapters/foundation.ts";
import { settingsToml } from "../../src/shared/settings/template.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "knockline-init-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe("what init lays down", () => {
  test("is private, and made whole from nothing", async () => {
    const home = join(folder, "pbx");
    const made = await foundationOf(join(home, "knockline.toml")).lay(settingsToml("pbx-abcdefgh"));
    expect(made.map((one) => [one.path, one.made])).toEqual([
      [home, true],
      [join(home, "knockline.toml"), true],
      [join(home, "secret"), true],
      [join(home, "ari.secret"), true],
    ]);
    expect(await Promise.all(made.map(({ path }) => modeOf(path)))).toEqual(["700", "640", "640", "640"]);
    expect((await readFile(join(home, "secret"))).length).toBe(32);
  });

  test("changes nothing that is there, and makes only what is missing", async () => {
    const config = join(folder, "knockline.toml");
    await writeFile(config, '[paths]\nstate = "state"\nrun = "run"\n', { mode: 0o600 });
    await chmod(folder, 0o755);
    const made = await foundationOf(config).lay(settingsToml("other"));
    expect(made.filter((one) => one.made).map(({ what }) => what)).toEqual([
      "secret key",
      "password for Asterisk",
      "state",
      "sockets",
    ]);
    expect(await readFile(config, "utf8")).toContain('state = "state"');
    expect([await modeOf(folder), await modeOf(config), await modeOf(join(folder, "state"))]).toEqual([
      "755",
      "600",
      "700",
    ]);
    const secret = await readFile(join(folder, "secret"));
    expect((await foundationOf(config).lay("")).some((one) => one.made)).toBe(false);
    expect(await readFile(join(folder, "secret"))).toEqual(secret);
  });

  test("holds no new secret where a store was made under another, for nobody would notice", async () => {
    const config = join(folder, "knockline.toml");
    await foundationOf(config).lay(settingsToml("pbx-abcdefgh"));
    await rm(join(folder, "secret"));
    await mkdir(join(folder, "db"));
    const again = foundationOf(config).lay("");
    await expect(again).rejects.toMatchObject({
      exit: 1,
      message: expect.stringContaining(`${join(folder, "secret")} is missing`),
      cure: expect.stringMatching(/^put the old secret back, or restore a backup/),
    });
    await expect(stat(join(folder, "secret"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("letters are of the alphabet, and differ", () => {
    const { letters } = foundationOf("/nowhere/knockline.toml");
    expect(letters(8)).toMatch(/^[a-z0-9]{8}$/);
    expect(letters(32)).not.toBe(letters(32));
  });
});

describe("me", () => {
  /** Asks for the peer from a grandchild whose own environment was stripped, as sudo does. */
  function peerSeenBy(env: Record<string, string>): Promise<string> {
    const probe = join(import.meta.dirname, "../../src/knockctl/adapters/ssh-peer.ts");
    return new Promise((resolve, reject) => {
      const build = `require("esbuild").buildSync({entryPoints:[${JSON.stringify(probe)}],bundle:true,platform:"node",format:"cjs",outfile:${JSON.stringify(join(folder, "peer.cjs"))}})`;
      execFileSync(process.execPath, ["-e", build], { cwd: join(import.meta.dirname, "../..") });
      const ask = `require(${JSON.stringify(join(folder, "peer.cjs"))}).sshSession().then((s) => console.log(JSON.stringify(s ?? null)))`;
      const child = spawn(
        "bash",
        ["-c", 'env -u SSH_CONNECTION -u SSH_CLIENT "$0" -e "$1"; :', process.execPath, ask],
        {
          env: { PATH: process.env.PATH ?? "", ...env },
        },
      );
      let out = "";
      child.stdout.on("data", (data: Buffer) => {
        out += data;
      });
      child.on("error", reject);
      child.on("close", () => resolve(out.trim()));
    });
  }

  test("is found in a parent's environment when sudo took it away", async () => {
    const seen = await peerSeenBy({ SSH_CONNECTION: "::ffff:203.0.113.7 51234 192.0.2.1 2222" });
    expect(JSON.parse(seen)).toEqual({ peer: "203.0.113.7", port: 2222 });
  });
});
