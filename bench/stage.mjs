// @ts-check
// Where a contestant stands: a server with an SSH-like service on tcp/22, a laptop that can be many, and hands on both.
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openLab } from "../scripts/lab.mjs";
import { startFlood } from "../scripts/lab-flood.mjs";

/** The service that everybody guards, and a UDP port that everybody closes: packets to it are what rules cost. */
export const DOOR = 22;
export const CLOSED_UDP = 5060;

/** Every knock comes from an address of its own out of 198.18.0.0/16; forgers speak as 198.19.x.x (RFC 2544: benchmarks). */
const SOURCES = "198.18.0.0/15";
export const FORGED = { first: "198.19.0.0", size: 65_536 };
/** For more half-open attempts than that: 16 million of nobody's. */
export const FORGED_WIDE = { first: "11.0.0.0", size: 1 << 24 };

/** Between two knocks of a sequence, as our clients do it. Milliseconds. */
export const GAP = 20;

/** @typedef {{ port: number, payload?: string }} Datagram */
/** @typedef {{ say: (message: object) => void, hear: () => Promise<any> }} Line */

/** @returns {Promise<Stage>} */
export async function openStage() {
  const lab = await openLab();
  try {
    const laptop = await lab.host("laptop");
    await laptop.anyip(SOURCES);
    await lab.server.agent.listen({ port: DOOR });
    return new Stage(lab, laptop);
  } catch (error) {
    await lab.close();
    throw error;
  }
}

export class Stage {
  /** @type {Line | undefined} */
  #knocker;
  /** @type {Line | undefined} */
  #prober;
  #sources = 0;

  /** @param {import("../scripts/lab.mjs").Lab} lab @param {import("../scripts/lab-host.mjs").Host} laptop */
  constructor(lab, laptop) {
    this.lab = lab;
    this.server = lab.server;
    this.laptop = laptop;
  }

  /** @returns {string} an address that nobody used before on this stage */
  freshSource() {
    const n = ++this.#sources;
    return `198.18.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
  }

  /**
   * One knock, timed by processes that do nothing else: from the moment its last datagram is handed to the kernel to
   * the first accepted connection.
   * @param {string} from
   * @param {Datagram[]} datagrams
   * @returns {Promise<number | null>} milliseconds; null: not open within 5 s
   */
  async timeKnock(from, datagrams) {
    this.#knocker ??= lineTo(this.laptop, "laptop/knocker.mjs");
    this.#prober ??= lineTo(this.laptop, "laptop/prober.mjs");
    const { address } = this.server;
    if (datagrams.length > 1) {
      this.#knocker.say({ from, address, datagrams: datagrams.slice(0, -1), gap: GAP });
      await this.#knocker.hear();
      await after(GAP);
    }
    this.#prober.say({ from, address, port: DOOR });
    await this.#prober.hear(); // its first SYN has left, and was dropped
    this.#knocker.say({ from, address, datagrams: datagrams.slice(-1), gap: 0 });
    const { at: knocked } = await this.#knocker.hear();
    const { at: accepted } = await this.#prober.hear();
    return accepted === null ? null : accepted - knocked;
  }

  /**
   * One knock among others, timed more coarsely (a SYN every 10 ms): many may be under way at once.
   * @param {string} from
   * @param {Datagram[]} datagrams
   * @param {number} patience milliseconds
   * @returns {Promise<number | null>} as above
   */
  async knockAndLook(from, datagrams, patience) {
    const opening = this.look(from, patience);
    const { at: knocked } = await this.knock(from, datagrams);
    const { at } = await opening;
    return at === null ? null : Math.max(0, at - knocked);
  }

  /** @param {string} from @param {Datagram[]} datagrams @returns {Promise<{ at: number }>} when the last one left */
  knock(from, datagrams) {
    return this.laptop.agent.send({ address: this.server.address, gap: GAP, ...knockerOf(from, datagrams) });
  }

  /** Many knocks in the same moment. @param {{ from: string, datagrams: Datagram[] }[]} knocks */
  async knockAll(knocks) {
    const knockers = knocks.map(({ from, datagrams }) => knockerOf(from, datagrams));
    await this.laptop.agent.sendMany({ address: this.server.address, knockers, gap: GAP });
  }

  /**
   * Tries the door every 10 ms until it opens.
   * @param {string} from
   * @param {number} patience milliseconds
   * @returns {Promise<{ at: number | null }>} when the SYN left that was let in
   */
  look(from, patience) {
    const { address } = this.server;
    return this.laptop.agent.connectUntilOpen({ address, port: DOOR, from, timeout: patience, every: 10 });
  }

  /** @param {string} from @param {number} [timeout] ms @returns {Promise<boolean>} whether the door is open to it */
  async isOpen(from, timeout = 300) {
    const { address } = this.server;
    return (await this.laptop.agent.connect({ address, port: DOOR, from, timeout })).outcome === "open";
  }

  /** @param {Omit<import("../scripts/lab-flood.mjs").Flood, "address">} flood from the laptop at the server */
  flood(flood) {
    return startFlood(this.laptop, { address: this.server.address, ...flood });
  }

  /**
   * Runs a program on the server, which must succeed.
   * @param {string} command
   * @param {readonly string[]} args
   * @param {string} [input]
   * @returns {Promise<string>} its stdout
   */
  async must(command, args, input) {
    const ran = await this.server.run(command, args, { input, timeout: 120_000 });
    if (ran.code !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${ran.code}\n${ran.stderr}`);
    return ran.stdout;
  }

  close() {
    return this.lab.close();
  }
}

/** @param {string} from @param {Datagram[]} datagrams */
const knockerOf = (from, datagrams) => ({
  from,
  ports: datagrams.map(({ port }) => port),
  payloads: datagrams.map(({ payload }) => payload ?? ""),
});

/**
 * Starts one of our programs in a namespace.
 * @param {import("../scripts/lab-host.mjs").Host} host
 * @param {string} program
 * @returns {Line} JSON lines to it and from it
 */
function lineTo(host, program) {
  const { child } = host.start(process.execPath, [fileURLToPath(new URL(program, import.meta.url))]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    say: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    hear: async () => JSON.parse((await lines.next()).value),
  };
}
