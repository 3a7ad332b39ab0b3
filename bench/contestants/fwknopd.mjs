// @ts-check
// Debian's fwknopd: one encrypted, authenticated packet (SPA), captured by pcap or taken by its UDP server.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../scripts/until.mjs";
import { openStage } from "../stage.mjs";
import { orStop, temporaryFolder } from "./contestant.mjs";
import { closeDoor, countOpen, IPTABLES } from "./iptables.mjs";

/** Where it expects its packets. */
const PORT = 62_201;

const KEYS = { cipher: randomBytes(32).toString("base64"), hmac: randomBytes(64).toString("base64") };

/** @param {number} lifetime seconds @returns {string} of access.conf */
const access = (lifetime) => `SOURCE ANY
OPEN_PORTS tcp/22
FW_ACCESS_TIMEOUT ${lifetime}
MAX_FW_TIMEOUT ${lifetime}
KEY_BASE64 ${KEYS.cipher}
HMAC_KEY_BASE64 ${KEYS.hmac}
`;

/**
 * Its client writes the packet to a file instead of sending it.
 * @param {import("../stage.mjs").Stage} stage
 * @param {string} from
 * @param {string} file
 */
async function packetOf(stage, from, file) {
  const keys = ["--use-hmac", "--key-base64-rijndael", KEYS.cipher, "--key-base64-hmac", KEYS.hmac];
  const packet = ["-A", "tcp/22", "-a", from, "-D", stage.server.address, "--test", "-B", file];
  await stage.laptop.run("fwknop", [...keys, ...packet, "--no-save-args", "--no-rc-file"]);
}

/** @param {"pcap" | "UDP"} mode @param {string} about @returns {import("./contestant.mjs").Contestant} */
const fwknopdIn = (mode, about) => ({
  name: `fwknopd ${mode}`,
  about,
  tools: { fwknopd: "fwknop-server", fwknop: "fwknop-client", ...IPTABLES },
  async start({ lifetime = 3_600 } = {}) {
    const stage = await openStage();
    const { folder, remove } = temporaryFolder();
    const stop = () => stage.close().finally(remove);
    return orStop(stop, async () => {
      await closeDoor(stage);
      const device = stage.laptop.uplink?.device ?? "";
      const run = join(folder, "run");
      mkdirSync(run, { mode: 0o700 });
      const file = join(folder, "access.conf");
      writeFileSync(file, access(lifetime), { mode: 0o600 });
      const args = ["-f", "-i", device, "-a", file, "-r", run, ...(mode === "UDP" ? ["-U"] : [])];
      const running = stage.server.start("fwknopd", args);
      const ready = () => /Sniffing interface|UDP server/.test(running.output());
      await until(ready, { what: "fwknopd listens", deadline: 20_000 }).catch((error) => {
        throw new Error(`${error.message}\n${running.output()}`);
      });
      let packets = 0;
      return {
        name: `fwknopd ${mode}`,
        stage,
        firstPort: PORT,
        daemons: [running.pid],
        knock: async (from) => {
          const path = join(folder, `packet${++packets}`);
          await packetOf(stage, from, path);
          return [{ port: PORT, payload: (await stage.laptop.run("cat", [path])).stdout.trim() }];
        },
        openDoors: () => countOpen(stage, "FWKNOP_INPUT"),
        stop,
      };
    });
  },
});

export const fwknopdPcap = fwknopdIn(
  "pcap",
  "2.6.10, Debian's package as it comes: one SPA packet, captured by pcap",
);
export const fwknopdUdp = fwknopdIn("UDP", "2.6.10 with its UDP server (-U) in place of pcap");
