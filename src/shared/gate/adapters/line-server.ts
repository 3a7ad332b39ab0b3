import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { ownAsFolder } from "../../host/adapters/files.ts";
import { lineSplitter } from "../lines.ts";
import { refusal } from "../refusal.ts";
import { Refusal } from "../verbs.ts";

/** What a socket's askers are held to. */
export interface ServerLimits {
  /** Connections at once; one more is closed at once. */
  readonly connections: number;
  /** Bytes of a line. */
  readonly line: number;
  /** Told why somebody was hung up on. */
  readonly hungUp?: (why: string) => void;
}

/** Questions of one connection that wait for their turn; one more ends it. */
const MAX_WAITING = 256;
/** Bytes that wait for a slow reader before events are dropped for it, and its questions wait. */
const MAX_BACKLOG = 1 << 20;

/** The asker's end, as an answer sees it that goes on after it was given. */
export interface Conversation {
  /** Sends `{"event": ...}`; dropped for a reader that is too slow. */
  tell(event: unknown): void;
  /** Calls back when the asker has hung up. */
  onClose(callback: () => void): void;
}

/** Answers one line with what `result` is to be. @throws Refusal, or anything else that `refusal` understands */
export type AnswerLine = (line: string, conversation: Conversation) => Promise<unknown>;

/** A socket that is served. */
export interface LineServer {
  close(): Promise<void>;
}

/**
 * Answers questions on a unix socket, one JSON object a line each way: `{"ok":true,"result"}` or
 * `{"ok":false,"error":{"code","message","cure"}}`. Who may ask is decided by the file's mode. What waits for its turn
 * when its asker hangs up is not carried out. Call only while holding the store's lock: a file that is there already was
 * left by a dead gate.
 */
export async function serveLines(
  path: string,
  mode: number,
  answer: AnswerLine,
  limits: ServerLimits,
): Promise<LineServer> {
  await rm(path, { force: true });
  const sockets = new Set<Socket>(); // bounded: limits.connections
  // half open: who asks and then closes his sending side still gets the answers
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    converse(socket, answer, limits);
  });
  server.maxConnections = limits.connections;
  await listen(server, path, mode);
  await ownAsFolder(path);
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function listen(server: Server, path: string, mode: number): Promise<void> {
  // the mode holds from the first moment, and no name is looked up a second time for a chmod
  const mask = process.umask(0o777 & ~mode);
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(mask));
}

/** Answers the questions of one connection, in order. The socket must allow to be half open. */
export function converse(socket: Socket, answer: AnswerLine, limits: ServerLimits): void {
  const split = lineSplitter(limits.line);
  let turn = Promise.resolve(); // one question after another, in order
  let waiting = 0;
  let over = false; // hung up on: nothing more is taken in, and what waits is not answered
  const conversation: Conversation = {
    tell: (event) => void (socket.writableLength < MAX_BACKLOG && send(socket, { event })),
    onClose: (callback) => void socket.on("close", callback),
  };
  const reply = async (line: string): Promise<void> => {
    if (over || !(await isThere(socket))) return;
    send(socket, await said(answer, line, conversation));
    if (socket.writableLength > MAX_BACKLOG) await drained(socket);
    waiting -= 1;
  };
  const hangUp = (message: string, cure: string): void => {
    over = true;
    limits.hungUp?.(message);
    send(socket, { ok: false, error: plain(new Refusal("usage", message, cure)) });
    socket.destroySoon();
  };
  const take = (line: string): void => {
    waiting += 1;
    if (waiting <= MAX_WAITING) turn = turn.then(() => reply(line));
    else if (!over) hangUp("too many questions at once", "wait for answers");
  };
  socket.on("error", () => socket.destroy());
  socket.on("end", () => void turn.then(() => socket.end()));
  socket.on("data", (chunk) => {
    if (over) return;
    try {
      split(chunk).forEach(take);
    } catch (error) {
      hangUp((error as Error).message, "send shorter lines");
    }
  });
}

/**
 * Whether the asker still hears us. His end of sending looks the same when he is gone, and only a write tells: one of
 * nothing, which fails with EPIPE. While an answer waits for him, that one is the write.
 */
function isThere(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.writableLength > 0) resolve(!socket.destroyed);
    else socket.write("", (error) => resolve(error == null));
  });
}

/** Resolves when a slow reader has read, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("drain", resolve);
    socket.once("close", resolve);
  });
}

async function said(answer: AnswerLine, line: string, conversation: Conversation): Promise<object> {
  try {
    return { ok: true, result: await answer(line, conversation) };
  } catch (error) {
    return { ok: false, error: plain(refusal(error)) };
  }
}

function send(socket: Socket, message: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function plain({ code, message, cure }: Refusal): object {
  return { code, message, cure };
}
