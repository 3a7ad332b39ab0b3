import { connect, type Socket } from "node:net";
import { type Duration, minutes, seconds } from "../../duration.ts";
import { lineSplitter } from "../lines.ts";
import { type AdminVerbs, type Asker, Refusal, type RefusalCode, type Verb } from "../verbs.ts";
import type { EventView } from "../views.ts";

type Message =
  | { ok: true; result: unknown }
  | { ok: false; error: { code: RefusalCode; message: string; cure: string } }
  | { event: EventView };

/** Answers may be long (a history); they come from the gate, which we trust. Bytes. */
const MAX_ANSWER = 64 << 20;

/** After so long without an answer knockd hangs: what it does itself takes milliseconds, and it waits 10 s for nft. */
const PATIENCE = seconds(30);

/** What may take longer by rights: names that are looked up, PINs of many users, a whole store, several runs of nft. */
const LONGER: Readonly<Partial<Record<Verb, Duration>>> = {
  allow_refresh: minutes(10),
  allow_import: minutes(10),
  user_import: minutes(10),
  backup: minutes(10),
  restore: minutes(10),
  firewall_apply: minutes(2),
  firewall_confirm: minutes(2),
  firewall_rollback: minutes(2),
  firewall_teardown: minutes(2),
};

const patienceFor = (verb: Verb): Duration => LONGER[verb] ?? PATIENCE;

/**
 * Connects to the gate behind an admin socket.
 * @param patience how long each question waits for its answer; by default what its kind may need
 * @returns undefined when no gate listens there. @throws the system's error for anything else (EACCES)
 */
export async function connectGate(path: string, patience = patienceFor): Promise<Asker | undefined> {
  const socket = connect(path);
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("error", resolve);
  });
  if (error === undefined) return askerOver(socket, patience);
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED") return undefined;
  throw error;
}

/** @returns who asks over a socket with a gate at its other end; it hangs up on a gate that does not answer in time */
export function askerOver(socket: Socket, patience = patienceFor): Asker {
  return new SocketAsker(socket, patience);
}

class SocketAsker implements Asker {
  readonly #socket: Socket;
  readonly #messages: AsyncGenerator<Message>;

  constructor(
    socket: Socket,
    private readonly patience: (verb: Verb) => Duration,
  ) {
    this.#socket = socket;
    this.#messages = messages(socket);
  }

  async ask<V extends Exclude<Verb, "watch">>(
    verb: V,
    args: AdminVerbs[V]["args"],
  ): Promise<AdminVerbs[V]["result"]> {
    this.#send(verb, args);
    return (await this.#answer(verb)) as AdminVerbs[V]["result"];
  }

  async *watch(args: AdminVerbs["watch"]["args"]): AsyncGenerator<EventView> {
    this.#send("watch", args);
    await this.#answer("watch");
    for await (const message of this.#messages) if ("event" in message) yield message.event;
    throw gone();
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }

  #send(verb: Verb, args: unknown): void {
    this.#socket.write(`${JSON.stringify({ verb, args })}\n`);
  }

  async #answer(verb: Verb): Promise<unknown> {
    let late = false;
    // hung up on, so that the order is not carried out when nobody waits for it any more
    const timer = setTimeout(() => {
      late = true;
      this.#socket.destroy();
    }, this.patience(verb));
    const { value } = await this.#messages.next();
    clearTimeout(timer);
    if (value === undefined) throw late ? silent() : gone();
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

function silent(): Refusal {
  return new Refusal(
    "broken",
    "knockd does not answer",
    "what it had not begun it will not do; look at its log, then restart it: systemctl restart knockline-knockd",
  );
}
