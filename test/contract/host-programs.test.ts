import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { processName } from "../../src/knockctl/adapters/process-sockets.ts";
import { sshSessions } from "../../src/knockctl/adapters/sshd.ts";
import { needs } from "../helpers/needs.ts";

const { describe } = needs("root", "perl", "setpriv");

/** Listens where there is room, and says where. */
const LISTEN =
  'use IO::Socket::INET; $| = 1; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1"); print $s->sockport, "\\n"; sleep 60';

describe("of the host's programs, which anybody may start under any name, a change of policy", () => {
  let folder: string;
  let child: ChildProcess | undefined;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-sshd-"));
    chmodSync(folder, 0o755);
    symlinkSync("/usr/bin/perl", join(folder, "sshd"));
  });
  afterEach(() => child?.kill("SIGKILL"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns the port that a program called sshd listens at */
  async function sshdOf(uid: number): Promise<number> {
    const as = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    child = spawn("setpriv", [...as, join(folder, "sshd"), "-e", LISTEN], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(child.stdout as NodeJS.ReadableStream, "data");
    return Number(String(line));
  }

  it("holds open who is logged in at root's sshd", async () => {
    const port = await sshdOf(0);
    expect((await sshSessions()).ports).toContain(port);
  });

  it("does not hold open who is connected to what somebody else calls sshd", async () => {
    const port = await sshdOf(12345);
    expect(port).toBeGreaterThan(0);
    expect((await sshSessions()).ports).not.toContain(port);
  });

  it("hears a name that the gate takes, however long a script's is", async () => {
    const script = join(folder, "x".repeat(200));
    writeFileSync(script, '$| = 1; print "up\n"; sleep 60');
    child = spawn("perl", [script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout as NodeJS.ReadableStream, "data");
    expect(await processName(String(child.pid))).toBe("x".repeat(64));
  });
});
