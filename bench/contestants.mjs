// Who is measured: each a port knocker on the server of a lab of its own, in the same shape.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLab } from "../scripts/lab.mjs";
import { makeInstance } from "../scripts/lab-instance.mjs";
import { until } from "../scripts/until.mjs";

/** Every sample knocks from an address of its own out of this range (RFC 2544: benchmarks). */
const SOURCES = "198.18.0.0/15";

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {number[]} ports its sequence, UDP
 * @property {import("../scripts/lab-host.mjs").Host} server
 * @property {import("../scripts/lab-host.mjs").Host} laptop
 * @property {import("../scripts/lab-instance.mjs").Instance} [instance] knockline's
 * @property {() => Promise<void>} close
 */

/** A server with an SSH-like service on tcp/22, and a laptop that can be many. */
async function openStage() {
  const lab = await openLab();
  const laptop = await lab.host("laptop");
  await laptop.anyip(SOURCES);
  await lab.server.agent.listen({ port: 22 });
  return { lab, laptop };
}

/**
 * knockline as it comes, proof "none".
 * @param {{ users?: number }} [size] users beside the one that knocks
 * @returns {Promise<Contestant & { instance: import("../scripts/lab-instance.mjs").Instance }>}
 */
export async function openKnockline({ users = 0 } = {}) {
  const { lab, laptop } = await openStage();
  let instance;
  const close = async () => {
    await lab.close();
    await instance?.remove();
  };
  try {
    instance = await makeInstance(lab.server, {
      access: { max_grants_per_user: 1_000 },
      firewall: { guard: "services" },
    });
    const user = await instance.addUser("bench");
    for (let n = 1; n <= users; n++) await instance.addUser(`user${n}`);
    await instance.start();
    const ports = user.steps.map(({ port }) => port);
    return { name: "knockline", ports, server: lab.server, laptop, instance, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The rule is that of the sample file it ships with, but put before the one that closes the port. */
const KNOCKD_CONFIG = `[options]
  logfile = /dev/null
[bench]
  sequence = 7101:udp,9212:udp,8323:udp
  seq_timeout = 10
  command = iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
`;

/** @param {string} program @returns {string | undefined} where it is, if it is installed */
const find = (program) =>
  ["/usr/sbin", "/sbin"].map((folder) => join(folder, program)).find((path) => existsSync(path));

/**
 * Debian's knockd as it comes.
 * @returns {Promise<Contestant | undefined>} undefined where it, or iptables, is not installed
 */
export async function openKnockd() {
  const [knockd, iptables] = ["knockd", "iptables"].map(find);
  if (knockd === undefined || iptables === undefined) return undefined;
  const { lab, laptop } = await openStage();
  const folder = mkdtempSync(join(tmpdir(), "knockline-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true })); // Ctrl-C is an exit too
  const close = () => lab.close();
  try {
    const config = join(folder, "knockd.conf");
    writeFileSync(config, KNOCKD_CONFIG);
    await lab.server.run(iptables, ["-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP"]);
    const device = laptop.uplink?.device ?? "";
    const pid = join(folder, "pid");
    // it captures only what goes to an address of the very interface it listens on
    await lab.server.ip([`addr add ${lab.server.address}/32 dev ${device}`]);
    const running = lab.server.start(knockd, ["-i", device, "-c", config, "-p", pid, "-v"]);
    await until(() => running.output().includes("listening on"), { what: "knockd listens" });
    return { name: "knockd 0.8", ports: [7101, 9212, 8323], server: lab.server, laptop, close };
  } catch (error) {
    await close();
    throw error;
  }
}
