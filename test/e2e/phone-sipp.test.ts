import { afterAll, beforeAll, expect } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import type { User } from "../helpers/instance.ts";
import { callWithSipp } from "../helpers/sipp.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft", "sipp");

describe("a call over SIP by a telephone that is not Asterisk, its keys as RFC 4733 events", () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ access: { ttl: "1h" } });
  });
  afterAll(() => scene?.close());

  test("opens the door with PIN, address and 1, and ends in order", async () => {
    const { instance, asterisk } = scene;
    const { laptop } = scene.scene.hosts;
    const alice = (await instance.addUser("alice", ["--pin"])) as User & { readonly pin: string };
    expect(await instance.tryConnect(laptop, 22)).toBe("silent");
    // half a second for scrypt; the 1 must come when the address is being read back
    const keys = `${alice.pin}#ww${laptop.address.replaceAll(".", "*")}#wwww1`;
    const calling = callWithSipp(scene.scene.server, { from: "trunk", extension: "864", keys });
    await until(async () => (await instance.tryConnect(laptop, 22)) === "open", {
      what: "ssh opens",
      deadline: 30_000,
      every: 100,
    }).catch(async (error) => {
      throw new Error(`${error.message}\n${scene.log()}\n${(await calling).stdout}`);
    });
    expect((await instance.json(["list"])).grants).toMatchObject([
      { user: "alice", by: "phone", address: laptop.address },
    ]);
    const { code, stdout, stderr } = await calling;
    expect(code, stdout + stderr).toBe(0);
    expect(asterisk.played("trunk").at(-1)).toBe("vm-goodbye");
    expect(await asterisk.channels()).toEqual([]);
  });
});
