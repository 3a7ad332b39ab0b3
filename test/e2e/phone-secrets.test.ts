import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateSync } from "otplib";
import { afterAll, beforeAll, expect } from "vitest";
import { ARI_PASSWORD, needsAsterisk, press } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import type { User } from "../helpers/instance.ts";
import { until } from "../helpers/wait.ts";
import { Watching } from "../helpers/watching.ts";

const { describe, test } = await needsAsterisk("nft");
const LINK = fileURLToPath(new URL("../../dist/ari-link.cjs", import.meta.url));

/** Eight digits each, which no time or id has by chance. */
const CODES = { knocked: "48219357", calledBack: "57291834" };
const WRONG_PIN = "97531864";
const NOISE = "9081726354".repeat(4);

type Caller = User & { readonly pin: string; readonly otp_uri?: string };

describe("nothing that is secret or keyed", () => {
  let scene: PhoneScene;
  let watching: Watching;
  /** What must be nowhere, by what it is. */
  const secrets = new Map<string, string>([
    ["the ARI password", ARI_PASSWORD],
    ["the ARI password in a URL", encodeURIComponent(ARI_PASSWORD)],
    ["the ARI password in a header", Buffer.from(`knockline:${ARI_PASSWORD}`).toString("base64")],
    ["a wrong PIN", WRONG_PIN],
    ["the code of a knock", CODES.knocked],
    ["the code of a call-back", CODES.calledBack],
    ["noise", NOISE.slice(0, 12)],
  ]);
  beforeAll(async () => {
    // the lowest level there is
    scene = await openPhoneScene({ access: { ttl: "1h" }, log: { level: "debug" } });
    watching = await Watching.start(scene.instance);
  });
  afterAll(() => scene?.close());

  async function add(name: string, options: string[]): Promise<Caller> {
    const user = (await scene.instance.addUser(name, ["--pin", ...options])) as Caller;
    secrets.set(`the PIN of ${name}`, user.pin);
    return user;
  }

  async function openByAddress(): Promise<void> {
    const { pin, otp_uri = "" } = await add("alice", ["--otp"]);
    const secret = new URL(otp_uri).searchParams.get("secret") ?? "";
    const code = generateSync({ secret });
    secrets.set("an authenticator's secret", secret).set("an authenticator's code", code);
    const call = await scene.callAndBeAsked();
    await call.press(`${WRONG_PIN}#`);
    await call.hears("privacy-incorrect");
    await call.press(`${pin}#`);
    await call.hears("ask-authenticator");
    await call.press(`${code}#`);
    await call.hears("code-or");
    await call.press(`${NOISE}#`);
    await call.hears("privacy-incorrect", 2);
    await call.press("203*0*113*7#");
    await call.hears("you-entered");
    await call.press("1");
    await watching.next("alice", "opened");
  }

  async function openByCode(): Promise<void> {
    const bob = await add("bob", ["--approval", "phone"]);
    await scene.instance.knock(scene.scene.hosts.laptop, bob, { payload: CODES.knocked });
    await watching.next("bob", "asked");
    const call = await scene.callAndBeAsked({ as: "phone" });
    await call.press(`${bob.pin}#${CODES.knocked}#`);
    await watching.next("bob", "opened");
  }

  async function openByCallBack(): Promise<void> {
    const carl = await add("carl", ["--approval", "call", "--phone", "4101"]);
    await scene.instance.knock(scene.scene.hosts.laptop, carl, { payload: CODES.calledBack });
    await watching.next("carl", "call");
    await until(() => scene.asterisk.played("Local/4101@").length > 0, { what: "carl hears something" });
    await press(scene.asterisk, "4101", `${carl.pin}#`);
    await watching.next("carl", "opened");
  }

  /** A password that is refused is a secret too: it may be the right one of something else. */
  async function beRefused(): Promise<void> {
    secrets.set("a refused password", "open-says-me");
    scene.writePassword("open-says-me");
    process.kill(scene.linkPid, "SIGKILL");
    await scene.becomes("refused");
    scene.writePassword(ARI_PASSWORD);
    await scene.becomes("up");
  }

  /** All that the programs say to people. */
  async function everythingSaid(): Promise<Record<string, string>> {
    const { instance } = scene;
    const pids = { "phone-auth": scene.pid, "ari-link": scene.linkPid, knockd: instance.pid };
    const of = (file: string) =>
      Object.entries(pids).map(([name, pid]) => [
        `${file} of ${name}`,
        readFileSync(`/proc/${pid}/${file}`, "latin1"),
      ]);
    return {
      ...Object.fromEntries([...of("cmdline"), ...of("environ")]),
      "phone-auth's log": scene.log(),
      "knockd's log": instance.log(),
      watch: JSON.stringify(watching.events()),
      history: await instance.must(["history", "--json"]),
      status: await instance.must(["status"]),
      "boot.nft": readFileSync(join(instance.folder, "boot.nft"), "utf8"),
    };
  }

  test("is in a log at any level, in the history, or in a process's arguments and environment", async () => {
    await openByAddress();
    await openByCode();
    await openByCallBack();
    await beRefused();
    const said = await everythingSaid();
    for (const [place, text] of Object.entries(said)) {
      expect(text.length, `${place} says something`).toBeGreaterThan(0);
      for (const [what, secret] of secrets)
        expect(text.includes(secret), `${what} is in ${place}`).toBe(false);
    }
    expect(said["phone-auth's log"]).toContain('"level":"debug"');
    expect(secrets.size).toBe(13);
  }, 120_000);

  test("is said by the process that runs ari-client, but keys to its parent", async () => {
    const { asterisk } = scene;
    const run = async (password: string) => {
      const child = scene.scene.server.start(process.execPath, [LINK]);
      const say = (message: object) => child.child.stdin.write(`${JSON.stringify(message)}\n`);
      say({ url: asterisk.url, username: "knockline", password, app: "another" });
      return {
        child,
        say,
        says: (words: string) =>
          until(() => child.output().includes(words), { what: words, deadline: 15_000 }),
      };
    };
    const link = await run(ARI_PASSWORD);
    await link.says('"say":"up"');
    const rings = {
      channel: "secrets-1",
      endpoint: "Local/4102@internal",
      args: [],
      callerId: "x",
      ringFor: 5_000,
    };
    link.say({ do: "ring", id: 1, ...rings });
    await link.says('"kind":"call"');
    await press(asterisk, "4102", "4821#");
    await link.says('"digit":"#"');
    link.say({ do: "hang_up", id: 2, channel: "secrets-1" });
    await link.says('"kind":"gone"');
    const refused = await run("open-says-me");
    await refused.says('"say":"refused"');
    for (const { child } of [link, refused]) {
      child.child.stdin.end(); // it goes with its parent; a signal it leaves to the parent
      const { stdout, stderr } = await child.ended;
      expect(stderr).toBe("");
      for (const line of stdout.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("say");
      for (const secret of [ARI_PASSWORD, encodeURIComponent(ARI_PASSWORD), "open-says-me"])
        expect(stdout).not.toContain(secret);
    }
  }, 60_000);
});
