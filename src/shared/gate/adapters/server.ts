import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { viewEvent } from "../../access/event.ts";
import type { Gate } from "../../access/gate.ts";
import { ownAsFolder } from "../../host/adapters/files.ts";
import { type Answerer, answer, refusal } from "../answers.ts";
import { type AdminRequest, decodeRequest } from "../decode/request.ts";
import { lineSplitter } from "../lines.ts";
import { Refusal } from "../verbs.ts";
import type { EventView } from "../views.ts";

/** Admins at once; one more is told to come back. */
const MAX_CONNECTIONS = 64;
/** Bytes that wait for a slow watcher before events are dropped for it. */
const MAX_BACKLOG = 1 << 20;

/**
 * Answers admins on a unix socket: one JSON object a line, `{"verb","args"}` in, `{"ok":true,"result"}` or
 * `{"ok":false,"error":{"code","message","cure"}}` out; after `watch` one `{"event"}` a line until they hang up.
 * Who may ask is decided by the file's mode, 0600. Call only while holding the store's lock: a file that is
 * there already was left by a dead gate.
 */
export async function serveAdmin(
  path: string,
  gate: Gate,
  about: Answerer,
): Promise<{ close(): Promise<void> }> {
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  // half open: who asks and then closes his sending side still gets the answers
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    converse(socket, gate, about);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, path);
  await chmod(path, 0o600);
  await ownAsFolder(path);
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  // the mode must hold from the first moment, not from the chmod on
  const mask = process.umask(0o177);
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(mask));
}

function converse(socket: Socket, gate: Gate, about: Answerer): void {
  const split = lineSplitter();
  let turn = Promise.resolve(); // one question after another, in order
  socket.on("error", () => socket.destroy());
  socket.on("end", () => void turn.then(() => socket.end()));
  socket.on("data", (chunk) => {
    try {
      for (const line of split(chunk)) turn = turn.then(() => reply(socket, gate, about, line));
    } catch (error) {
      send(socket, {
        ok: false,
        error: plain(new Refusal("usage", (error as Error).message, "send shorter lines")),
      });
      socket.end();
    }
  });
}

async function reply(socket: Socket, gate: Gate, about: Answerer, line: string): Promise<void> {
  try {
    const request = decodeRequest(line);
    if (request.verb === "watch") return watch(socket, gate, request as AdminRequest<"watch">);
    send(socket, { ok: true, result: await answer(gate, request.verb, request.args as never, about) });
  } catch (error) {
    send(socket, { ok: false, error: plain(refusal(error)) });
  }
}

function watch(socket: Socket, gate: Gate, { args }: AdminRequest<"watch">): void {
  const stop = gate.subscribe((event) => {
    const view = viewEvent(event);
    if (concerns(view, args.what) && socket.writableLength < MAX_BACKLOG) send(socket, { event: view });
  });
  socket.on("close", stop);
  send(socket, { ok: true, result: {} });
}

function concerns({ user, address }: EventView, what: string | undefined): boolean {
  return what === undefined || user === what || address === what;
}

function send(socket: Socket, message: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function plain({ code, message, cure }: Refusal): object {
  return { code, message, cure };
}
