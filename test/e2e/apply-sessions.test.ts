import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { killOurs } from "../helpers/sessions.ts";
import { type Shell, type Sshd, startSshd } from "../helpers/sshd.ts";
import { until } from "../helpers/wait.ts";

/** How admins really type `firewall apply`: sudo takes SSH_CONNECTION away, tmux is no child of the session. */

const { describe } = needs(
  "root",
  "namespaces",
  "nft",
  "ip",
  "ss",
  "sshd",
  "ssh",
  "ssh-keygen",
  "sudo",
  "tmux",
);

const SSH = 2022;
const settings = (guard: string) => ({ services: { ssh: { ports: [`tcp/${SSH}`] } }, firewall: { guard } });

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replace(/'/g, "'\\''")}'`).join(" ");

/** Runs a command line in the admin's session. @returns its exit code and what it said */
type Way = (shell: Shell, folder: string, line: string) => Promise<{ code: number; said: string }>;

const bySudo: Way = (shell, _folder, line) => shell.type(`sudo -n ${line}`, 10_000);
const inTmux: Way = (shell, folder, line) => runInTmux(shell, folder, line);
const inTmuxBySudo: Way = (shell, folder, line) => runInTmux(shell, folder, `sudo -n ${line}`);

/** A tmux server is the child of nobody, and outlives the session it was started from. */
async function runInTmux(shell: Shell, folder: string, line: string): ReturnType<Way> {
  const [said, code] = [join(folder, "tmux.said"), join(folder, "tmux.code")];
  for (const file of [said, code]) rmSync(file, { force: true });
  const inside = `${line} >${said} 2>&1; echo $? >${code}`;
  const tmux = ["env", `TMUX_TMPDIR=${folder}`, "tmux", "-f", "/dev/null", "new-session", "-d", inside];
  const started = await shell.type(quoted(tmux));
  expect(started.code, started.said).toBe(0);
  const ended = () => existsSync(code) && readFileSync(code, "utf8").trim() !== "";
  await until(ended, { what: `${line} ends in tmux`, deadline: 10_000 });
  return { code: Number(readFileSync(code, "utf8")), said: readFileSync(said, "utf8") };
}

describe("an admin, logged in by a real sshd,", () => {
  let scene: Scene<"laptop" | "stranger">;
  let sshd: Sshd;
  let shell: Shell;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], settings("nothing"));
    sshd = await startSshd(scene.server, scene.instance.folder, SSH);
    await scene.instance.start();
    scene.instance.configure(settings("everything"));
    shell = await sshd.open(scene.hosts.laptop);
  });
  afterAll(() => scene?.close());

  async function knockctl(way: Way, ...args: string[]): Promise<void> {
    const line = quoted([process.execPath, ...scene.instance.commandLine(args)]);
    const { code, said } = await way(shell, scene.instance.folder, line);
    expect(code, said).toBe(0);
  }
  const strangerGetsIn = async (): Promise<boolean> =>
    (await scene.instance.tryConnect(scene.hosts.stranger, SSH, { timeout: 300 })) === "open";

  const tried: readonly [string, Way][] = [
    ["by sudo", bySudo],
    ["from tmux", inTmux],
  ];
  test.each(tried)(
    "tries a policy %s, keeps his session, and all rolls back with everything killed",
    async (_name, way) => {
      await knockctl(way, "firewall", "apply", "--confirm", "5s");
      expect(await strangerGetsIn()).toBe(false);
      await shell.type("true");
      expect((await sshd.login(scene.hosts.laptop)).code).toBe(0);
      killOurs(scene.server);
      await scene.instance.kill9();
      await shell.type("true");
      await until(strangerGetsIn, { what: "rolled back by the kernel", deadline: 8_000 });
      await shell.type("true");
      await scene.instance.start();
      await scene.instance.must(["revoke", "--all", "--keep-sessions"]);
    },
  );

  test("confirms one from tmux by sudo, keeps his session, and strangers stay out", async () => {
    await knockctl(inTmuxBySudo, "firewall", "apply", "--confirm", "60s");
    await knockctl(inTmuxBySudo, "firewall", "confirm");
    expect(await strangerGetsIn()).toBe(false);
    await shell.type("true");
    expect((await sshd.login(scene.hosts.laptop)).code).toBe(0);
    const { grants } = await scene.instance.json(["list"]);
    expect(grants).toMatchObject([{ address: scene.hosts.laptop.address, services: ["ssh"], by: "admin" }]);
  });
});
