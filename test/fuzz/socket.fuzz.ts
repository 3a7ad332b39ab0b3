import { strict as assert } from "node:assert";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { threadId } from "node:worker_threads";
import { converse } from "../../src/shared/gate/adapters/line-server.ts";
import { decodePhoneRequest } from "../../src/shared/gate/decode/phone-request.ts";
import { target } from "./target.ts";

const PATH = join(tmpdir(), `knockline-fuzz-${process.pid}-${threadId}.sock`);
const LIMITS = { connections: 2, line: 4_096 };
const question = JSON.stringify({ verb: "status", args: { link: "up" } });

/** Says all this to the server, in pieces, and hears it out. */
async function ask(bytes: Buffer): Promise<string> {
  const socket = connect(PATH);
  socket.on("error", () => undefined); // hung up on while still talking
  const heard = text(socket).catch(() => "");
  for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 3, 65_536))
    socket.write(bytes.subarray(at, at + size));
  socket.end();
  return heard;
}

export const gateSocket = target({
  name: "gate-socket",
  seeds: () => [`${question}\n`, `${question}\n`.repeat(3), `${"x".repeat(5_000)}\n`, "\n".repeat(300)],
  words: ["\n", '"', "{", "}", "\xff\n"],
  limit: 1_000,
  runs: 60,
  run: async (bytes) => {
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      converse(socket, async (line) => decodePhoneRequest(line), LIMITS),
    );
    await once(server.listen(PATH), "listening");
    try {
      return { heard: await ask(bytes), after: await ask(Buffer.from(`${question}\n`)) };
    } finally {
      server.close();
      await once(server, "close");
    }
  },
  holds: ({ heard, after }, bytes) => {
    const answers = heard
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    assert.ok(answers.every(({ ok }) => typeof ok === "boolean"));
    const asked = bytes.toString("latin1").split("\n").length - 1;
    assert.ok(answers.length <= asked + 1); // and a last word to who is hung up on
    assert.equal(JSON.parse(after).ok, true);
  },
});
