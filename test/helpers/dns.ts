import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Host, Running } from "./lab.ts";
import { until } from "./wait.ts";

/** What the resolver does with names under lab.test. `dead`: there is none. */
export type Mood = "good" | "SERVFAIL" | "silent" | "dead";

/** Upstreams of the resolver: one that answers SERVFAIL, and one that never answers. */
const UPSTREAM = { SERVFAIL: 5301, silent: 5302 } as const;

/** RFC 1035, 4.1.1: the answer bit and RCODE 2. */
const BAD_UPSTREAM = `
  const { createSocket } = require("dgram");
  createSocket("udp4").bind(${UPSTREAM.silent}, "127.0.0.1");
  const servfail = createSocket("udp4");
  servfail.on("message", (text, from) => {
    text[2] |= 0x80; text[3] = (text[3] & 0xf0) | 2;
    servfail.send(text, from.port, from.address);
  });
  servfail.bind(${UPSTREAM.SERVFAIL}, "127.0.0.1", () => console.log("bound"));
`;

/** A real dnsmasq on 127.0.0.1 of a host, for names under lab.test. */
export class Dns {
  readonly #host: Host;
  readonly #hosts: string;
  #server: Running | undefined;
  #upstream: Running | undefined;
  /** bounded: by what the test asks */
  #asked: number[] = [];

  /** @param folder where its files go */
  constructor(host: Host, folder: string) {
    this.#host = host;
    this.#hosts = join(folder, "names");
    writeFileSync(this.#hosts, "", { mode: 0o644 });
  }

  /** Sets what every name stands for; a name that is not here does not exist. */
  async zone(names: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const lines = Object.entries(names).flatMap(([name, list]) => list.map((one) => `${one} ${name}\n`));
    writeFileSync(this.#hosts, lines.join(""));
    await this.mood("good");
  }

  /** Starts it anew in a mood. */
  async mood(mood: Mood): Promise<void> {
    await this.#server?.kill("SIGKILL");
    this.#server = undefined;
    if (mood === "dead") return;
    const lab =
      mood === "good"
        ? [`--addn-hosts=${this.#hosts}`, "--local=/lab.test/"]
        : [`--server=127.0.0.1#${UPSTREAM[mood]}`];
    if (mood !== "good" && this.#upstream === undefined) {
      const upstream = this.#host.start(process.execPath, ["-e", BAD_UPSTREAM]);
      this.#upstream = upstream;
      await until(() => upstream.output().includes("bound"), { what: "the bad upstream listens" });
    }
    const options = [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--no-resolv",
      "--no-hosts",
      "--user=root",
    ];
    const where = ["--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file", "--cache-size=0"];
    const log = ["--log-queries", "--log-facility=-"];
    const server = this.#host.start("dnsmasq", [...options, ...where, ...log, ...lab]);
    this.#server = server;
    this.#asked = [];
    // counted as they come: of a child's output only the end is kept
    createInterface({ input: server.child.stderr }).on("line", (line) => {
      if (line.includes("query[")) this.#asked.push(performance.now());
    });
    await until(() => server.output().includes("started"), { what: "dnsmasq is up" });
    if (mood === "good")
      await until(() => server.output().includes("read "), { what: "it has read its names" });
  }

  /** When each question came since its last start, ms of `performance.now()`, in order. */
  get asked(): readonly number[] {
    return this.#asked;
  }
}
