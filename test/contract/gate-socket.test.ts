import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { milliseconds } from "../../src/shared/duration.ts";
import { connectGate } from "../../src/shared/gate/adapters/client.ts";
import { type LineServer, serveLines } from "../../src/shared/gate/adapters/line-server.ts";
import { serveAdmin } from "../../src/shared/gate/adapters/server.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import { testGate } from "../helpers/gate.ts";
import { until } from "../helpers/wait.ts";

let box: string;
let path: string;
let server: LineServer | undefined;

beforeEach(() => {
  box = mkdtempSync(join(tmpdir(), "knockline-socket-"));
  path = join(box, "admin.sock");
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(box, { recursive: true, force: true });
});

/** Serves a gate that notes what it carries out, and takes its first order only once it may. */
async function serve(): Promise<{ done: string[]; begun: () => boolean; go: () => void }> {
  const done: string[] = [];
  let go = (): void => undefined;
  let begun = false;
  const may = new Promise<void>((resolve) => {
    go = resolve;
  });
  const answer = async (line: string): Promise<string> => {
    begun = true;
    await may;
    done.push(line);
    return line;
  };
  server = await serveLines(path, 0o600, answer, { connections: 4, line: 100 });
  return { done, begun: () => begun, go };
}

async function dial(allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen });
  socket.on("error", () => undefined); // hung up on in the middle of an answer
  await once(socket, "connect");
  return socket;
}

describe("an order whose asker has hung up", () => {
  it("is not carried out when it still waits for its turn", async () => {
    const { done, begun, go } = await serve();
    const socket = await dial();
    socket.write("first\nsecond\n");
    await until(begun, { what: "the first order is begun" });
    socket.destroy();
    await once(socket, "close");
    go();
    const after = await dial(true);
    after.end("another\n");
    await text(after);
    expect(done).toEqual(["first", "another"]);
  });

  it("is not carried out when he was gone before it was read, as with a knockd that hung", async () => {
    const done: string[] = [];
    const answer = async (line: string): Promise<void> => void done.push(line);
    server = await serveLines(path, 0o600, answer, { connections: 4, line: 100 });
    const [gone, after] = await Promise.all([dial(), dial(true)]);
    // both before the server's turn to read
    gone.write("too late\n");
    gone.destroy();
    after.end("another\n");
    await text(after);
    expect(done).toEqual(["another"]);
  });

  it("is carried out and answered when he only closed his sending side", async () => {
    const { done, go } = await serve();
    const socket = await dial(true);
    socket.end("first\nsecond\n");
    go();
    expect(await text(socket)).toBe('{"ok":true,"result":"first"}\n{"ok":true,"result":"second"}\n');
    expect(done).toEqual(["first", "second"]);
  });
});

describe("a watch", () => {
  const begin = async (what: string) => {
    const { gate } = await testGate();
    await answer(gate, "user_add", { name: "ann", proof: "none" }, noKnockd(gate));
    server = await serveAdmin(path, gate, { ...noKnockd(gate), since: "2026-01-01T00:00:00.000Z" });
    const asker = await connectGate(path);
    const heard = asker?.watch({ what })[Symbol.asyncIterator]().next();
    return { gate, asker, heard: heard as Promise<{ value: unknown }> };
  };

  it("of somebody who is neither user nor address is refused, for nothing would ever come", async () => {
    const { asker, heard } = await begin("nosuchuser");
    await expect(heard).rejects.toMatchObject({
      code: "not_found",
      message: "there is no user nosuchuser, and it is no address",
    });
    await asker?.close();
  });

  it("of an address hears of it however it was written", async () => {
    const { gate, asker, heard } = await begin("2001:DB8:0::1");
    const after = await connectGate(path);
    await after?.ask("list", {}); // the watch was asked for earlier
    await answer(gate, "grant", { address: "2001:db8::1" }, noKnockd(gate));
    expect((await heard).value).toMatchObject({ address: "2001:db8::1" });
    await Promise.all([asker?.close(), after?.close()]);
  });
});

describe("a gate that does not answer", () => {
  it("is hung up on, and the asker told what to do", async () => {
    let hungUp = false;
    const mute = createServer((socket) => {
      socket.resume();
      socket.on("close", () => {
        hungUp = true;
      });
    });
    await once(mute.listen(path), "listening");
    try {
      const asker = await connectGate(path, () => milliseconds(20));
      await expect(asker?.ask("list", {})).rejects.toMatchObject({
        code: "broken",
        message: "knockd does not answer",
        cure: expect.stringContaining("systemctl restart knockline-knockd"),
      });
      await until(() => hungUp, { what: "the gate is hung up on" });
    } finally {
      mute.close();
    }
  });

  it("is waited for without an end between two events of a watch", async () => {
    const events = createServer((socket) => {
      socket.once("data", () => socket.write('{"ok":true,"result":{}}\n'));
      setTimeout(() => socket.write('{"event":{"event":"granted"}}\n'), 60);
    });
    await once(events.listen(path), "listening");
    const asker = await connectGate(path, () => milliseconds(30));
    try {
      const heard = asker?.watch({})[Symbol.asyncIterator]();
      expect((await heard?.next())?.value).toMatchObject({ event: "granted" });
    } finally {
      await asker?.close();
      events.close();
    }
  });
});
