import { expect, type TestContext } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { always, until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
/** How long Asterisk stands still, and how long it is away. ms */
const FROZEN = 30_000;
const AWAY = process.env.KNOCKLINE_LONG === "1" ? 600_000 : 60_000;

async function scene({ onTestFinished }: TestContext): Promise<PhoneScene> {
  const opened = await openPhoneScene();
  onTestFinished(() => opened.close());
  return opened;
}

/** Both daemons live, and say for so many ms that the phone is connecting. */
const staysConnecting = ({ instance, pid }: PhoneScene, deadline: number) =>
  always(
    async () => {
      const { phone, knockd } = await instance.json(["status"]);
      return phone.state === "connecting" && knockd.state === "running" && process.kill(pid, 0);
    },
    { what: "the phone is connecting", deadline, every: 3_000 },
  );

const noneLeft = ({ asterisk }: PhoneScene) =>
  until(async () => (await asterisk.channels()).length === 0, {
    what: "no channel is left",
    deadline: 15_000,
  });

// at once, each with an Asterisk of its own: what takes long here is waiting
describe("the phone goes on by itself, and nothing opens,", { concurrent: true }, () => {
  test(
    `when Asterisk was killed in the middle of a call and is away for ${AWAY / 1_000} s`,
    async (context) => {
      const phone = await scene(context);
      const { pid } = phone;
      const { pin } = (await phone.instance.addUser("alice", ["--pin"])) as unknown as { pin: string };
      const asking = await phone.callAndBeAsked();
      await asking.press(`${pin}#198*51*100*2#`);
      await asking.hears("you-entered");
      const after = phone.mark;
      await phone.asterisk.kill9();
      await phone.becomes("connecting");
      await staysConnecting(phone, AWAY);
      await phone.asterisk.start();
      await (await phone.callsWork({ after, since: performance.now() })).hangUp();
      await noneLeft(phone);
      expect((await phone.instance.json(["list"])).grants).toEqual([]);
      expect([phone.pid, await phone.link()]).toEqual([pid, "up"]);
    },
    AWAY + 120_000,
  );

  test(
    `when Asterisk stood still for ${FROZEN / 1_000} s: who was on the line is hung up`,
    async (context) => {
      const phone = await scene(context);
      const asking = await phone.callAndBeAsked();
      const [after, begin] = [phone.mark, performance.now()];
      phone.asterisk.freeze();
      await phone.becomes("connecting");
      await staysConnecting(phone, FROZEN - (performance.now() - begin));
      phone.asterisk.thaw();
      await (await phone.callsWork({ after, since: performance.now() })).hangUp();
      await asking.isOver();
      await noneLeft(phone);
      expect((await phone.instance.json(["list"])).grants).toEqual([]);
    },
    FROZEN + 120_000,
  );
});
