import { connect, type Socket } from "node:net";
import { lineSplitter } from "../../shared/gate/lines.ts";
import type { PhoneVerb, PhoneVerbs } from "../../shared/gate/phone-verbs.ts";

/** An answer of the gate is short. Bytes. */
const MAX_ANSWER = 1 << 20;

type Message =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly message: string } }
  | { readonly event: unknown };

/** One connection to the gate's phone socket. */
export class GateSocket {
  readonly #socket: Socket;
  /** Who waits for an answer, in the order asked. bounded: a call asks one question at a time, the watch two */
  readonly #waiting: ((message: Message | undefined) => void)[] = [];
  readonly #hear: (event: unknown) => void;
  /** Resolves when the connection has ended; never rejects. */
  readonly ended: Promise<void>;

  private constructor(socket: Socket, hear: (event: unknown) => void) {
    this.#socket = socket;
    this.#hear = hear;
    const split = lineSplitter(MAX_ANSWER);
    socket.on("data", (chunk) => {
      try {
        for (const line of split(chunk)) this.#take(JSON.parse(line) as Message);
      } catch {
        socket.destroy(); // that is not the gate, or not our version of it
      }
    });
    this.ended = new Promise((resolve) => {
      socket.once("close", () => {
        for (const answer of this.#waiting.splice(0)) answer(undefined);
        resolve();
      });
    });
  }

  /**
   * Connects.
   * @param hear is told the events that follow `callbacks`
   * @returns undefined when the gate is not there
   */
  static connect(
    path: string,
    hear: (event: unknown) => void = () => undefined,
  ): Promise<GateSocket | undefined> {
    const socket = connect(path);
    return new Promise((resolve) => {
      socket.on("error", () => resolve(undefined));
      socket.once("connect", () => resolve(new GateSocket(socket, hear)));
    });
  }

  get alive(): boolean {
    return this.#socket.readyState === "open";
  }

  /**
   * Asks; answers come in the order of questions.
   * @returns undefined when the gate went away before it answered; `broken` when it says that it cannot be asked this
   */
  async ask<V extends PhoneVerb>(
    verb: V,
    args: PhoneVerbs[V]["args"],
  ): Promise<PhoneVerbs[V]["result"] | undefined> {
    const message = await new Promise<Message | undefined>((resolve) => {
      if (!this.alive) return resolve(undefined);
      this.#waiting.push(resolve);
      this.#socket.write(`${JSON.stringify({ verb, args })}\n`);
    });
    if (message === undefined || "event" in message) return undefined;
    return (message.ok ? message.result : { ok: false, why: "broken" }) as PhoneVerbs[V]["result"];
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: Message): void {
    if ("event" in message) this.#hear(message.event);
    else this.#waiting.shift()?.(message);
  }
}
