import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { dice } from "../helpers/dice.ts";
import { runs } from "../helpers/runs.ts";
import { until } from "../helpers/wait.ts";

/** kill -9 at random moments of calls: nothing opens that was not confirmed, and what is open stays so. */

const { describe, test } = await needsAsterisk("nft");

/** Each takes the seconds of a call, so that there are fewer than of the other drill. */
const LIVES = runs(200, 8);
/** By then the caller has heard his address read back, mostly. ms */
const LONGEST_LIFE = 6_000;

describe("through kill -9 at random moments of a call", () => {
  let scene: PhoneScene;
  const random = dice("kill -9 during calls");

  beforeAll(async () => {
    scene = await openPhoneScene();
  });
  afterAll(() => scene?.close());

  /** Kills phone-auth, which is started again as by systemd, or its child, which it starts again itself. */
  async function kill(): Promise<void> {
    const { mark } = scene;
    if (random.below(2) === 0) process.kill(scene.linkPid, "SIGKILL");
    else {
      await scene.stop("SIGKILL");
      scene.start();
    }
    await until(() => scene.log().slice(mark).includes("the link to Asterisk is up"), {
      what: "the link is up again",
      deadline: 15_000,
    });
  }

  test(
    `nothing opens that nobody has confirmed, no call is left behind, and no grant is lost, ${LIVES} times`,
    async () => {
      const { instance } = scene;
      const { pin } = (await instance.addUser("alice", ["--pin"])) as unknown as { pin: string };
      const { grant } = await instance.ask("grant", { address: "192.0.2.1", ttl: 3_600 });
      for (let life = 1; life <= LIVES; life += 1) {
        const call = await scene.callAndBeAsked();
        await call.press(`${pin}#203*0*113*${life}#`);
        await delay(random.below(LONGEST_LIFE));
        await kill();
        await until(async () => (await scene.asterisk.channels()).length === 0, {
          what: `no channel is left after life ${life} of seed ${random.seed}`,
          deadline: 15_000,
        });
        const { grants } = await instance.ask("list");
        expect(grants.map(({ id }: { id: string }) => id)).toEqual([grant.id]);
      }
      await (await scene.callAndBeAsked()).hangUp();
    },
    60_000 + LIVES * 30_000,
  );
});
