import { afterAll, beforeAll, expect } from "vitest";
import { median } from "../../bench/figures.mjs";
import { startFlood } from "../../scripts/lab-flood.mjs";
import { travellers } from "../../scripts/lab-grants.mjs";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

/**
 * What 50,000 live grants cost. The bars are wide (machines that run tests are busy); `npm run bench` measures the
 * promises themselves: 1.3 times, and 2 ms.
 */

const { describe, test } = needs("namespaces", "nft", "ip");

const MANY = 50_000;
/** A stranger's packet may cost so many times what it costs with nobody let in, and one more grant so many ms. */
const BARS = { times: 2, ms: 10 };
/** Looks, and how long each, in ms. */
const LOOKS = 5;
const SPAN = 300;

/** Where a grant for the lab's three services leaves its elements (KERNEL: `nft list ruleset`). */
const SETS = ["ssh4", "web4", "sip4", "live4", "kept4"];

describe(`with ${MANY.toLocaleString("en")} addresses let in`, () => {
  let scene: Scene<"stranger">;

  beforeAll(async () => {
    scene = await openScene(["stranger"], { firewall: { guard: "services" } });
    await scene.instance.start();
    await scene.instance.stop(); // the rules stay, and nobody takes out elements that the ledger does not know
  });
  afterAll(() => scene?.close());

  /** Runs nft on the server. @throws Error with what it said */
  async function nft(script: string): Promise<void> {
    const ran = await scene.server.run("nft", ["-f", "-"], { input: script });
    if (ran.code !== 0) throw new Error(ran.stderr);
  }

  /** @returns processor time of a packet to a closed port, both ends, in ns: the median of some looks */
  async function packetCost(): Promise<number> {
    const costs = [];
    for (let look = 0; look < LOOKS; look++) {
      const flood = await startFlood(scene.hosts.stranger, { address: scene.server.address, ports: [5060] });
      await new Promise((done) => setTimeout(done, SPAN));
      const { sent, cpu_ms } = await flood.stop();
      costs.push((cpu_ms * 1e6) / sent);
    }
    return median(costs);
  }

  /** @returns what adding one address takes in a session that is open already, in ms: the median of some */
  async function oneMore(): Promise<number> {
    const session = scene.server.start("nft", ["-i"], { env: { HOME: "/nonexistent" } });
    const times = [];
    try {
      for (let n = 0; n < 21; n++) {
        const element = `add element inet knockline ssh4 { 13.0.0.${n} timeout 1h }`;
        const start = performance.now();
        // there is no such table: its error says that the line before is done
        session.child.stdin.write(`${element}\nlist table inet __m${n}\n`);
        await until(() => session.output().includes(`__m${n}\n`), { what: "nft answers", every: 0 });
        times.push(performance.now() - start);
      }
      expect(session.output()).not.toContain("add element");
      return median(times);
    } finally {
      await session.kill("SIGKILL");
    }
  }

  test("a stranger's packet costs about what it did with none, and one more is let in at once", async () => {
    const before = await packetCost();
    const elements = travellers(MANY).map((address) => `${address} timeout 1h`);
    await nft(SETS.map((set) => `add element inet knockline ${set} { ${elements.join(", ")} }\n`).join(""));
    const [after, one] = [await packetCost(), await oneMore()];
    console.log(
      `a packet costs ${before.toFixed(0)} ns with no grant, ${after.toFixed(0)} ns with ${MANY} (${(after / before).toFixed(2)} times); one more takes ${one.toFixed(2)} ms`,
    );
    expect(after / before).toBeLessThan(BARS.times);
    expect(one).toBeLessThan(BARS.ms);
  });
});
