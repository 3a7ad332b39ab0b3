// @ts-check
// Floods and sweeps in the lab: a Node sender (some 150,000 packets a second), whose source address the sender's own
// kernel forges where it should be many.
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SENDER = fileURLToPath(new URL("lab-flood-sender.mjs", import.meta.url));

/** @typedef {import("./lab-host.mjs").Host} Host */

/**
 * @typedef {object} Flood
 * @property {string} address whom it hits
 * @property {readonly number[]} ports UDP; in turn
 * @property {string} [from] the sender's own address; any by default
 * @property {Sources} [forged] speak as all of these in turn; packets of this host's other sockets stay as they are
 * @property {number} [rate] packets a second; as many as it can by default
 * @property {number} [count] packets in all; until it is stopped by default
 */

/** @typedef {{ first: string, size: number }} Sources IPv4 addresses that follow one another */
/** @typedef {{ sent: number, ms: number, cpu_ms: number }} Sent `cpu_ms`: of the sender, and of the kernel that delivers for it */

/** Every UDP port there is. @type {readonly number[]} */
export const ALL_PORTS = Array.from({ length: 65_535 }, (_, n) => n + 1);

/** The forger's rule knows the sender by its source port: outside the range that other sockets are given. */
const FORGED_FROM = 1_023;

/**
 * Starts a flood; it flows when this settles.
 * @param {Host} host where it comes from
 * @param {Flood} flood
 * @returns {Promise<{ ended: Promise<Sent>, stop: () => Promise<Sent> }>}
 */
export async function startFlood(host, { ports, forged, ...rest }) {
  if (forged) await forge(host, forged);
  const args = JSON.stringify({ ...rest, sourcePort: forged ? FORGED_FROM : 0 });
  const running = host.start(process.execPath, [SENDER, args]);
  running.child.stdin.end(JSON.stringify(ports));
  const ended = running.ended.then(({ code, stdout, stderr }) => {
    if (code !== 0) throw new Error(`the flood broke off: ${stderr}`);
    return JSON.parse(stdout.slice(stdout.indexOf("\n")));
  });
  ended.catch(() => {}); // whoever waits for it hears of it
  await Promise.race([once(running.child.stdout, "data"), ended]);
  return {
    ended,
    stop: () => {
      running.child.kill("SIGTERM");
      return ended;
    },
  };
}

/**
 * Sends a whole flood: `count` packets, or one to each port.
 * @param {Host} host
 * @param {Flood} flood
 * @returns {Promise<Sent>}
 */
export async function flood(host, flood) {
  const { ended } = await startFlood(host, { count: flood.ports.length, ...flood });
  return ended;
}

/**
 * @param {Host} host
 * @param {Sources} sources
 */
async function forge(host, { first, size }) {
  const number = first.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const script = `
    add table ip forger
    delete table ip forger
    add table ip forger
    add chain ip forger out { type filter hook output priority raw ; }
    add rule ip forger out udp sport ${FORGED_FROM} ip saddr set numgen inc mod ${size} offset ${number}
  `;
  const ran = await host.run("nft", ["-f", "-"], { input: script });
  if (ran.code !== 0) throw new Error(`nft on ${host.name}: ${ran.stderr}`);
}

/**
 * @param {readonly number[]} list
 * @param {number} seed so that an order that fails can be tried again
 * @returns {number[]} in random order (Fisher-Yates with mulberry32)
 */
export function shuffled(list, seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [/** @type {number} */ (result[j]), /** @type {number} */ (result[i])];
  }
  return result;
}
