import { readdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";
import { recordingsOf } from "../../src/phone-auth/call/prompts.ts";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
/** Of this checkout: where its programs look when the settings name no other folder. */
const RECORDINGS = fileURLToPath(new URL("../../sounds/en", import.meta.url));
/** Bytes a second: 8 kHz mu-law. */
const RATE = 8_000;

describe("our own voice", () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ phone: { sounds: "knockline" } });
  });
  afterAll(() => scene?.close());

  test("speaks in a call from the first word to the last, without a setting for where it is", async () => {
    const { instance, asterisk } = scene;
    const { laptop } = scene.scene.hosts;
    const { pin } = (await instance.addUser("alice", ["--pin"])) as unknown as { pin: string };
    const call = await asterisk.call();
    await call.hears("ask-pin");
    await call.press(`${pin}#`);
    await call.hears("/menu");
    await call.press(`${laptop.address.replaceAll(".", "*")}#`);
    await call.hears("you-entered");
    await call.press("1");
    await call.isOver(30_000);
    const own = call.heard().filter((prompt) => !prompt.startsWith("digits/") && prompt !== "letters/dot");
    for (const prompt of own) expect(prompt).toContain(`${RECORDINGS}/`);
    expect(own.map((prompt) => basename(prompt))).toEqual(
      expect.arrayContaining(["ask-pin", "menu", "you-entered", "activated-for", "hour", "goodbye"]),
    );
    expect((await instance.json(["list"])).grants).toMatchObject([{ address: laptop.address }]);
    expect(asterisk.log()).not.toContain("does not exist in any format");
  }, 90_000);

  test("is played by Asterisk, each recording for as long as it is", async () => {
    const files = readdirSync(RECORDINGS).filter((file) => file.endsWith(".ulaw"));
    expect(files.length).toBeGreaterThanOrEqual(recordingsOf("knockline").length);
    await Promise.all(
      files.map(async (file) => {
        const seconds = statSync(`${RECORDINGS}/${file}`).size / RATE;
        const begin = performance.now();
        const { status, body } = await scene.asterisk.ari(
          "POST",
          "channels",
          {
            endpoint: "Local/play@internal",
            context: "robot",
            extension: "s",
            priority: "1",
            formats: "ulaw",
          },
          { variables: { __RECORDING: `${RECORDINGS}/${file.replace(/\.ulaw$/, "")}` } },
        );
        expect(status).toBe(200);
        await until(async () => (await scene.asterisk.ari("GET", `channels/${body.id}`)).status === 404, {
          what: `${file} is over`,
          deadline: 30_000,
          every: 50,
        });
        // one that cannot be played is over at once
        expect((performance.now() - begin) / 1_000, file).toBeGreaterThan(seconds - 0.1);
      }),
    );
    expect(scene.asterisk.log()).not.toContain("does not exist in any format");
  }, 60_000);
});
