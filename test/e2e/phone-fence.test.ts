import { chmodSync, chownSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import type { Running } from "../helpers/lab.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft", "root");
const PROGRAM = fileURLToPath(new URL("../../dist/phone-auth.cjs", import.meta.url));
/** nobody: on every Debian, and owner of nothing. */
const NOBODY = 65_534;
const AS_NOBODY = [
  "--reuid",
  `${NOBODY}`,
  "--regid",
  `${NOBODY}`,
  "--clear-groups",
  "--bounding-set=-all",
  "--inh-caps=-all",
  "--no-new-privs",
];

describe("phone-auth without any privilege", () => {
  let scene: PhoneScene;
  let folder: string;
  let phone: Running | undefined;

  beforeAll(async () => {
    scene = await openPhoneScene();
    folder = scene.instance.folder;
    await scene.stop();
    // as a package lays it down: settings that all may read, the password and the socket for phone-auth's group alone
    chmodSync(folder, 0o711);
    chmodSync(scene.instance.config, 0o644);
    chmodSync(join(folder, "ari.secret"), 0o640);
    chownSync(join(folder, "ari.secret"), 0, NOBODY);
    await scene.instance.restart();
    phone = scene.scene.server.start("setpriv", [
      ...AS_NOBODY,
      process.execPath,
      PROGRAM,
      "--config",
      scene.instance.config,
    ]);
    await scene.becomes("up");
  });
  afterAll(async () => {
    await phone?.kill("SIGKILL");
    await scene?.close();
  });

  test("runs as another user, with no capability at all, and its child too", () => {
    const pid = phone?.pid ?? 0;
    const [child = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    for (const one of [String(pid), child]) {
      const status = readFileSync(`/proc/${one}/status`, "utf8");
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      expect(status).toMatch(/^CapBnd:\s+0+$/m);
      expect(status).toMatch(/^Uid:\s+65534\s/m);
    }
  });

  test("can read neither store, nor secret, nor the admin's socket, nor the firewall", async () => {
    const as = (args: string[]) => scene.scene.server.run("setpriv", [...AS_NOBODY, ...args]);
    for (const path of ["db", "secret", "boot.nft"].map((name) => join(folder, name))) {
      expect((await as(["cat", path])).stderr, path).toContain("Permission denied");
    }
    expect((await as(["nft", "list", "ruleset"])).code).not.toBe(0);
    const knock = `require("net").connect("${join(folder, "admin.sock")}").on("error", (e) => process.exit(e.code === "EACCES" ? 7 : 8)).on("connect", () => process.exit(0))`;
    expect((await as([process.execPath, "-e", knock])).code).toBe(7);
  });

  test("takes calls all the same: PIN, address, 1, open", async () => {
    const { pin } = (await scene.instance.addUser("alice", ["--pin"])) as unknown as { pin: string };
    const { laptop } = scene.scene.hosts;
    const call = await scene.callAndBeAsked({ as: "phone" });
    await call.press(`${pin}#`);
    const read = () => scene.asterisk.played().filter((prompt) => prompt === "you-entered").length;
    await call.press(`${laptop.address.replaceAll(".", "*")}#`);
    await until(() => read() === 1, { what: "the address is read back", deadline: 15_000 });
    await call.press("1");
    await until(async () => (await scene.instance.tryConnect(laptop, 22)) === "open", {
      what: "ssh opens",
      deadline: 10_000,
    });
    await call.isOver(20_000);
  });

  /** Says something on the phone's socket, and @returns what came back until it was closed or half a second passed. */
  function say(text: string | Buffer): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(join(folder, "phone.sock"));
      let heard = "";
      socket.on("data", (chunk) => {
        heard += chunk;
        if (heard.includes("\n")) socket.destroy();
      });
      socket.on("error", () => socket.destroy());
      socket.on("close", () => resolve(heard));
      socket.write(text);
    });
  }

  test.each([
    ["a verb that is the admin's", '{"verb":"grant","args":{"address":"192.0.2.1"}}\n'],
    ["nft text", '{"verb":"nft","args":"flush ruleset"}\n'],
    ["bad JSON", "{{{{\n"],
    ["a session that it was never given", `{"verb":"close_all","args":{"session":"${"a".repeat(32)}"}}\n`],
    ["a denial of a request that nobody is being called for", '{"verb":"deny","args":{"id":"p123456"}}\n'],
    [
      "the end of a call-back that nobody placed",
      '{"verb":"call_over","args":{"id":"p123456","end":"busy"}}\n',
    ],
    [
      "another user's pending request",
      `{"verb":"approve","args":{"session":"${"b".repeat(32)}","id":"p123456"}}\n`,
    ],
  ])("is refused when it says %s, and nothing opens", async (_what, text) => {
    const before = (await scene.instance.json(["list"])).grants;
    const answer = await say(text);
    expect(answer).toMatch(/"ok":false/);
    expect((await scene.instance.json(["list"])).grants.length).toBe(before.length);
    expect((await scene.instance.json(["status"])).knockd.state).toBe("running");
  });

  test("is hung up on when its line has ten megabytes, and the gate goes on", async () => {
    const answer = await say(Buffer.alloc(10 << 20, 0x61));
    expect(answer === "" || answer.includes('"ok":false')).toBe(true); // who still writes may not come to read the answer
    await until(() => scene.instance.log().includes("was hung up on"), {
      what: "it is in the log",
      deadline: 5_000,
    });
    expect((await scene.instance.json(["status"])).knockd.state).toBe("running");
  });

  test("has its refused questions in knockd's log, without what they held", () => {
    expect(scene.instance.log()).toContain("a question on the phone socket was refused");
    expect(scene.instance.log()).not.toContain("192.0.2.1");
  });
});
