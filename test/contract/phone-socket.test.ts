import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { seconds } from "../../src/shared/duration.ts";
import type { LineServer } from "../../src/shared/gate/adapters/line-server.ts";
import { servePhone } from "../../src/shared/gate/adapters/server.ts";
import { Switchboard } from "../../src/shared/gate/switchboard.ts";
import { type Fields, silentLog } from "../../src/shared/log/log.ts";
import { type TestGate, testGate } from "../helpers/gate.ts";

let t: TestGate;
let folder: string;
let server: LineServer;
let warnings: { message: string; fields: Fields | undefined }[];

beforeEach(async () => {
  t = await testGate();
  warnings = [];
  const log = {
    ...silentLog,
    warn: (message: string, fields?: Fields) => warnings.push({ message, fields }),
  };
  Object.assign(t.gate.parts, { log });
  folder = await mkdtemp(join(tmpdir(), "phone-socket-"));
  const paths = { ...t.gate.state.settings.paths, phoneSocket: join(folder, "phone.sock") };
  server = await servePhone(paths, t.gate, new Switchboard(t.gate, () => "0".repeat(32)));
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Sends bad questions over one connection. @returns when each is answered with a no */
async function misbehave(times: number): Promise<void> {
  const socket = connect(join(folder, "phone.sock"));
  const ended = once(socket, "close");
  socket.end("nonsense\n".repeat(times));
  let refused = 0;
  for await (const line of createInterface(socket)) refused += JSON.parse(line).ok === false ? 1 : 0;
  await ended;
  expect(refused).toBe(times);
}

it("refuses each bad question, but writes no more than twenty lines about them in ten seconds, and then how many were left out", async () => {
  await misbehave(100);
  expect(warnings.length).toBe(20);
  expect(warnings[0]?.message).toBe("a question on the phone socket was refused");
  t.pass(seconds(10));
  await misbehave(1);
  expect(warnings.slice(20)).toEqual([
    { message: "the phone socket gave more cause for warnings", fields: { count: 80 } },
    expect.objectContaining({ message: "a question on the phone socket was refused" }),
  ]);
});

it("counts those who are hung up on among them", async () => {
  for (let i = 0; i < 30; i++) {
    const socket = connect(join(folder, "phone.sock"));
    socket.write("x".repeat(5_000));
    socket.resume();
    await once(socket, "close");
  }
  expect(warnings.length).toBe(20);
  expect(warnings[0]?.message).toBe("an asker on the phone socket was hung up on");
});
