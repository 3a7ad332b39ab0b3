import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { openScene, type Scene } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { parseExposition } from "../helpers/prometheus.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("namespaces", "nft");

describe("knockctl metrics", () => {
  let scene: Scene<"laptop" | "stranger">;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" } });
    await scene.instance.start();
  });
  afterAll(() => scene?.close());

  /** What it writes into a file now. */
  async function written() {
    const file = join(scene.instance.folder, "knockline.prom");
    expect(await scene.instance.must(["metrics", "--output", file])).toBe("");
    expect((statSync(file).mode & 0o777).toString(8)).toBe("644");
    const metrics = parseExposition(readFileSync(file, "utf8"));
    return (name: string, labels = "") => metrics.get(name)?.samples.get(labels);
  }

  test("counts real knocks, and what the kernel dropped before knockd saw it", async () => {
    const { instance, hosts } = scene;
    const user = await instance.addUser("alice");
    await instance.knock(hosts.laptop, user);
    await until(async () => (await instance.tryConnect(hosts.laptop, 22)) === "open", { what: "it opens" });
    const [first] = user.steps;
    const flood = Array.from({ length: 60 }, () => first?.port ?? 0);
    await hosts.stranger.agent.send({ address: scene.server.address, ports: flood, gap: 0 });

    const value = await written();
    expect(value("knockline_up")).toBe(1);
    expect(value("knockline_grants", 'by="knock"')).toBe(1);
    expect(value("knockline_grants_opened_total", 'by="knock"')).toBe(1);
    expect(value("knockline_knocks_total", 'outcome="complete"')).toBe(1);
    const dropped = value("knockline_kernel_dropped_total", 'why="rate"') ?? 0;
    const [steps, repeats] = ["step", "repeat"].map((outcome) =>
      value("knockline_knocks_total", `outcome="${outcome}"`),
    );
    expect(dropped).toBeGreaterThan(20);
    // two steps of the laptop's and one of the flood's; the rest of what came through repeated it
    expect([steps, (repeats ?? 0) + dropped]).toEqual([3, 59]);
    expect(await instance.must(["metrics"])).toContain('knockline_kernel_dropped_total{why="rate"} ');
  });

  test("is written also while knockd is down", async () => {
    await scene.instance.stop();
    const value = await written();
    expect(value("knockline_up")).toBe(0);
    expect(value("knockline_grants", 'by="knock"')).toBe(1);
  });
});
