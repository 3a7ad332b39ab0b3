import { fileURLToPath } from "node:url";
import { openChildLink } from "../../src/phone-auth/link/adapters/child-link.ts";
import { FakePbx } from "../../src/phone-auth/link/fake.ts";
import type { LinkEvent } from "../../src/phone-auth/link/link.ts";
import { ARI_PASSWORD, needsAsterisk, startAsterisk } from "../helpers/asterisk.ts";
import { openLab } from "../helpers/lab.ts";
import { ariLinkContract, type Bench } from "./ari-link.suite.ts";

/** Built by npm test, as the programs are. */
const PROGRAM = fileURLToPath(new URL("../../dist/ari-link.cjs", import.meta.url));

async function openFake(): Promise<Bench> {
  const pbx = new FakePbx();
  pbx.variables.set("PJSIP_ENDPOINT(phone,context)", "internal");
  pbx.behaviours.set("PJSIP/busy", "is busy");
  pbx.behaviours.set("PJSIP/nobody", "does not exist");
  pbx.behaviours.set("PJSIP/patient", "rings");
  const events: LinkEvent[] = [];
  const link = pbx.open((event) => events.push(event));
  pbx.become({ state: "up" });
  return {
    link,
    events,
    call: async () => {
      const channel = pbx.call({ endpoint: "PJSIP/phone", number: "5550100" });
      return {
        press: async (keys) => pbx.press(channel, keys),
        hangUp: async () => pbx.leave(channel),
        lasts: async () => pbx.channels.includes(channel),
      };
    },
    endpoints: {
      "picks up": "PJSIP/201",
      "is busy": "PJSIP/busy",
      "does not exist": "PJSIP/nobody",
      rings: "PJSIP/patient",
    },
    variable: { name: "PJSIP_ENDPOINT(phone,context)", value: "internal" },
    pass: () => {
      setImmediate(() => pbx.finish());
      for (const channel of pbx.channels) if (channel.startsWith("test-")) pbx.ringsNoLonger(channel);
    },
    channels: async () => pbx.channels,
    close: () => link.close(),
  };
}

async function openReal(): Promise<Bench> {
  const lab = await openLab();
  try {
    const asterisk = await startAsterisk(lab.server);
    const events: LinkEvent[] = [];
    const link = openChildLink(
      {
        command: ["nsenter", "-t", String(lab.server.pid), "-n", process.execPath, PROGRAM],
        credentials: async () => ({
          url: asterisk.url,
          username: "knockline",
          password: ARI_PASSWORD,
          app: "knockline",
        }),
      },
      (event) => events.push(event),
    );
    return {
      link,
      events,
      call: () => asterisk.call({ as: "phone" }),
      endpoints: {
        "picks up": "Local/4101@internal",
        "is busy": "PJSIP/4301@outside-phone",
        "does not exist": "PJSIP/nobody",
        rings: "Local/4201@internal",
      },
      variable: { name: "PJSIP_ENDPOINT(phone,context)", value: "internal" },
      pass: () => undefined,
      channels: () => asterisk.channels(),
      close: async () => {
        await link.close();
        await asterisk.remove();
        await lab.close();
      },
    };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

const { describe } = await needsAsterisk();

ariLinkContract("a fake in memory", openFake);

describe("with ari-client", () => ariLinkContract("a real Asterisk", openReal));
