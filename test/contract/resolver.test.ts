import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Address } from "../../src/shared/address.ts";
import { openResolver } from "../../src/shared/names/adapters/resolver.ts";
import type { Resolver } from "../../src/shared/names/answer.ts";
import { fakeResolver, found } from "../../src/shared/names/fake.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const MULTI = "multi.lab.test";
const SIX = "six.lab.test";
const BROKEN = "broken.lab.test";

/** The behaviour of every Resolver over the same three names. */
function resolverContract(open: () => Resolver): void {
  it("finds every A and AAAA of a name, with how long they are good for", async () => {
    const { v4, v6 } = await open().lookUp(MULTI);
    if (v4.kind !== "addresses" || v6.kind !== "addresses") throw new Error(JSON.stringify({ v4, v6 }));
    expect(v4.list.map(({ address }) => address).sort()).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    expect(v6.list.map(({ address }) => address)).toEqual(["2001:db8::1"]);
    expect([...v4.list, ...v6.list].map(({ ttl }) => ttl)).toEqual([90, 90, 90, 90]);
  });

  it("tells a family without addresses from a name that is not there, and neither from a failure", async () => {
    expect(await open().lookUp(SIX)).toMatchObject({
      v4: { kind: "none", why: "no address" },
      v6: { kind: "addresses" },
    });
    const gone = { kind: "none", why: expect.stringContaining("NXDOMAIN") };
    expect(await open().lookUp("nobody.lab.test")).toEqual({ v4: gone, v6: gone });
    const broken = { kind: "failed", why: "SERVFAIL" };
    expect(await open().lookUp(BROKEN)).toEqual({ v4: broken, v6: broken });
  });

  it("finds the name of an address, and none for one that has none", async () => {
    expect(await open().reverse("192.0.2.1" as Address)).toEqual([MULTI]);
    expect(await open().reverse("192.0.2.200" as Address)).toEqual([]);
  });
}

describe("the fake is a Resolver:", () => {
  resolverContract(() => {
    const fake = fakeResolver();
    fake.zone.set(MULTI, {
      v4: found(90, "192.0.2.1", "192.0.2.2", "192.0.2.3"),
      v6: found(90, "2001:db8::1"),
    });
    fake.zone.set(SIX, { v6: found(90, "2001:db8::6") });
    fake.zone.set(BROKEN, {
      v4: { kind: "failed", why: "SERVFAIL" },
      v6: { kind: "failed", why: "SERVFAIL" },
    });
    fake.pointers.set("192.0.2.1" as Address, [MULTI]);
    return fake;
  });
});

const real = needs("dnsmasq");

real.describe("c-ares is a Resolver:", () => {
  let folder: string;
  let dnsmasq: ChildProcess;
  let servfail: Socket;
  let silent: Socket;
  let port: number;

  /** A UDP socket on a free port of every loopback address. */
  async function bound(): Promise<Socket> {
    const socket = createSocket("udp4").bind(0, "0.0.0.0");
    await once(socket, "listening");
    return socket;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "knockline-dns-"));
    [servfail, silent] = [await bound(), await bound()];
    servfail.on("message", (text, from) => {
      text[2] = (text[2] ?? 0) | 0x80; // an answer,
      text[3] = ((text[3] ?? 0) & 0xf0) | 2; // with RCODE 2 (RFC 1035, 4.1.1)
      servfail.send(text, from.port, from.address);
    });
    const probe = await bound();
    port = probe.address().port;
    probe.close();
    const names = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"].map((one) => `${one} ${MULTI}\n`);
    writeFileSync(join(folder, "names"), `${names.join("")}2001:db8::6 ${SIX}\n`);
    dnsmasq = spawn(
      "dnsmasq",
      [
        ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file"],
        [
          `--port=${port}`,
          "--listen-address=127.0.0.1",
          "--bind-interfaces",
          "--local-ttl=90",
          "--user=root",
        ],
        [`--addn-hosts=${join(folder, "names")}`, "--local=/lab.test/", "--local=/2.0.192.in-addr.arpa/"],
        [`--server=/${BROKEN}/127.0.0.1#${servfail.address().port}`, "--log-facility=-"],
      ].flat(),
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    dnsmasq.stderr?.on("data", (text) => {
      said += text;
    });
    await until(() => said.includes("read "), { what: "dnsmasq has read its names" });
  });
  afterAll(async () => {
    servfail?.close();
    silent?.close();
    if (dnsmasq?.exitCode === null) {
      dnsmasq.kill("SIGKILL");
      await once(dnsmasq, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  });

  resolverContract(() => openResolver(() => [`127.0.0.1:${port}`]));

  it("says within its time limit that nobody answers, for several names at once and by several servers", async () => {
    const { port } = silent.address();
    const resolver = openResolver(() =>
      ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map((one) => `${one}:${port}`),
    );
    const begun = performance.now();
    const late = { kind: "failed", why: "no answer in time" };
    const answers = await Promise.all(["a.lab.test", "b.lab.test"].map((name) => resolver.lookUp(name)));
    expect(answers).toEqual(Array(2).fill({ v4: late, v6: late }));
    expect(await resolver.reverse("192.0.2.1" as Address)).toEqual([]);
    expect(performance.now() - begun, "ms for one look-up after the other").toBeLessThan(9_500);
  });
});
