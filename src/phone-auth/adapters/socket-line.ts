import type { GateAnswer, Question } from "../call/call.ts";
import type { GateLine, OpenGateLine } from "../gate-line.ts";
import { GateSocket } from "./gate-socket.ts";

/** Makes lines to the gate behind a phone socket. */
export function socketLines(path: string): OpenGateLine {
  return () => new SocketLine(path);
}

/** Connects at its first use, and again when the gate was restarted in the middle of a call. */
class SocketLine implements GateLine {
  readonly #path: string;
  #socket: GateSocket | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  async ready(): Promise<boolean> {
    return (await this.#connected()) !== undefined;
  }

  async ask({ verb, args }: Question): Promise<GateAnswer | undefined> {
    const socket = await this.#connected();
    const result = await socket?.ask(verb, args);
    return result === undefined ? undefined : ({ kind: "answer", verb, result } as GateAnswer);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  async #connected(): Promise<GateSocket | undefined> {
    if (this.#socket?.alive) return this.#socket;
    this.#socket = await GateSocket.connect(this.#path);
    if (this.#closed) this.#socket?.close();
    return this.#socket;
  }
}
