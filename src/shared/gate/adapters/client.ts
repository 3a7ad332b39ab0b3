import { connect, type Socket } from "node:net";
import { lineSplitter } from "../lines.ts";
import { type AdminVerbs, type Asker, Refusal, type RefusalCode, type Verb } from "../verbs.ts";
import type { EventView } from "../views.ts";

type Message =
  | { ok: true; result: unknown }
  | { ok: false; error: { code: RefusalCode; message: string; cure: string } }
  | { event: EventView };

/** Answers may be long (a history); they come from the gate, which we trust. Bytes. */
const MAX_ANSWER = 64 << 20;

/**
 * Connects to the gate behind an admin socket.
 * @returns undefined when no gate listens there. @throws the system's error for anything else (EACCES)
 */
export async function connectGate(path: string): Promise<Asker | undefined> {
  const socket = connect(path);
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("error", resolve);
  });
  if (error === undefined) return askerOver(socket);
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED") return undefined;
  throw error;
}

/** @returns who asks over a socket with a gate at its other end */
export function askerOver(socket: Socket): Asker {
  return new SocketAsker(socket);
}

class SocketAsker implements Asker {
  readonly #socket: Socket;
  readonly #messages: AsyncGenerator<Message>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#messages = messages(socket);
  }

  async ask<V extends Exclude<Verb, "watch">>(
    verb: V,
    args: AdminVerbs[V]["args"],
  ): Promise<AdminVerbs[V]["result"]> {
    this.#send(verb, args);
    return (await this.#answer()) as AdminVerbs[V]["result"];
  }

  async *watch(args: AdminVerbs["watch"]["args"]): AsyncGenerator<EventView> {
    this.#send("watch", args);
    await this.#answer();
    for await (const message of this.#messages) if ("event" in message) yield message.event;
    throw gone();
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }

  #send(verb: Verb, args: unknown): void {
    this.#socket.write(`${JSON.stringify({ verb, args })}\n`);
  }

  async #answer(): Promise<unknown> {
    const { value } = await this.#messages.next();
    if (value === undefined) throw gone();
    const message = value as Message;
    if ("error" in message) throw new Refusal(message.error.code, message.error.message, message.error.cure);
    return "result" in message ? message.result : undefined;
  }
}

async function* messages(socket: Socket): AsyncGenerator<Message> {
  const split = lineSplitter(MAX_ANSWER);
  try {
    for await (const chunk of socket)
      for (const line of split(chunk as Buffer)) yield JSON.parse(line) as Message;
  } catch {
    // the gate went away: the reader finds no further message
  }
}

function gone(): Refusal {
  return new Refusal(
    "broken",
    "knockd went away before it answered",
    "look at its log, then try again: knockctl status",
  );
}
