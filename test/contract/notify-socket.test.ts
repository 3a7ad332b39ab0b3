import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openNotifySocket } from "../../src/shared/host/adapters/notify-socket.ts";
import { type Child, start } from "../../src/shared/host/adapters/run.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const { describe } = needs("perl");

/** Takes datagrams as systemd does, and prints them: unix socket, path (or `@name`) as its argument. */
const LISTENER = `
use Socket; $| = 1;
my $name = shift; (my $path = $name) =~ s/^@/\\0/;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, pack("S a*", AF_UNIX, $path)) or die $!;
print "listening\\n";
while (defined(recv($s, my $text, 4096, 0))) { print "<$text>\\n" }
`;

describe("what systemd is told", () => {
  let folder: string | undefined;
  let listener: Child | undefined;
  afterEach(async () => {
    listener?.kill();
    await listener?.ended;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it.each(["a path", "an abstract name"])("arrives as one datagram at %s", async (kind) => {
    folder = mkdtempSync(join(tmpdir(), "knockline-notify-"));
    const path = kind === "a path" ? join(folder, "notify") : `@knockline-test-${process.pid}`;
    let heard = "";
    listener = start(["perl", "-e", LISTENER, path], { stdout: (text) => (heard += text) });
    await until(() => heard.includes("listening"), { what: "somebody listens" });
    const tell = await openNotifySocket(path);
    tell(["READY=1", "STATUS=3 users ä"]);
    tell(["WATCHDOG=1"]);
    await until(() => heard.includes("WATCHDOG"), { what: "both are heard" });
    expect(heard).toBe("listening\n<READY=1\nSTATUS=3 users ä>\n<WATCHDOG=1>\n");
  });

  it("waits while it is not read", async () => {
    folder = mkdtempSync(join(tmpdir(), "knockline-notify-"));
    const path = join(folder, "notify");
    let heard = "";
    listener = start(["perl", "-e", LISTENER, path], { stdout: (text) => (heard += text) });
    const { pid = 0 } = listener;
    await until(() => heard.includes("listening"), { what: "somebody listens" });
    const tell = await openNotifySocket(path);
    process.kill(pid, "SIGSTOP");
    let taken = 0;
    while (tell([`STATUS=${taken}`])) taken += 1; // the kernel keeps some (net.unix.max_dgram_qlen), and what has room
    process.kill(pid, "SIGCONT");
    await until(() => tell(["READY=1"]), { what: "there is room again" });
    await until(() => heard.includes("READY=1"), { what: "it is heard" });
    expect(heard.match(/STATUS/g)).toHaveLength(taken);
  });

  it("is an error where nobody listens, and goes on", async () => {
    const tell = await openNotifySocket("/nonexistent/notify");
    expect(() => tell(["READY=1"])).toThrow("/nonexistent/notify: ENOENT");
    expect(() => tell(["READY=1"])).toThrow("ENOENT");
  });

  it.each(["", "notify", "vsock:2:1", "@", `/${"x".repeat(108)}`])(
    "refuses %j, which is no unix socket",
    (path) => expect(openNotifySocket(path)).rejects.toThrow("is no path of a unix socket"),
  );
});
