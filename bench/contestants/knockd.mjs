// @ts-check
// Debian's knockd with the sequence of the sample file it ships with, as UDP.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../scripts/until.mjs";
import { openStage } from "../stage.mjs";
import { orStop, temporaryFolder } from "./contestant.mjs";
import { addRule, addRules, closeDoor, countOpen, IPTABLES } from "./iptables.mjs";

const PORTS = [7_000, 8_000, 9_000];

/** The sample's rule, but put before the one that closes the port. */
const rule = (/** @type {"I" | "D"} */ how) =>
  `/usr/sbin/iptables -${how} INPUT -s %IP% -p tcp --dport 22 -j ACCEPT`;

/** @param {number | undefined} lifetime seconds; for good without one, as in the sample file */
const config = (lifetime) => `[options]
  logfile = /dev/null
[openSSH]
  sequence = ${PORTS.map((port) => `${port}:udp`).join(",")}
  seq_timeout = 5
${lifetime === undefined ? `  command = ${rule("I")}` : `  start_command = ${rule("I")}\n  cmd_timeout = ${lifetime}\n  stop_command = ${rule("D")}`}
`;

/** @type {import("./contestant.mjs").Contestant} */
export const knockd = {
  name: "knockd 0.8",
  about:
    "Debian's package, the sequence and the iptables rule of its sample file; it keeps nothing on the disk",
  tools: { knockd: "knockd", ...IPTABLES },
  async start({ lifetime } = {}) {
    const stage = await openStage();
    const { folder, remove } = temporaryFolder();
    const stop = () => stage.close().finally(remove);
    return orStop(stop, async () => {
      await closeDoor(stage);
      const file = join(folder, "knockd.conf");
      writeFileSync(file, config(lifetime));
      const device = stage.laptop.uplink?.device ?? "";
      // it captures only what goes to an address of the very interface it listens on
      await stage.server.ip([`addr add ${stage.server.address}/32 dev ${device}`]);
      const args = ["-i", device, "-c", file, "-p", join(folder, "pid"), "-v"];
      const running = stage.server.start("knockd", args);
      await until(() => running.output().includes("listening on"), { what: "knockd listens" });
      return {
        name: knockd.name,
        stage,
        firstPort: PORTS[0] ?? 0,
        daemons: [running.pid],
        knock: async () => PORTS.map((port) => ({ port })),
        openDoors: () => countOpen(stage),
        letIn: (addresses) => addRules(stage, addresses),
        grant: (address) => addRule(stage, address),
        stop,
      };
    });
  },
};
