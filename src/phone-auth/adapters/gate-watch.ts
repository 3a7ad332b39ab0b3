import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "../../shared/backoff.ts";
import type { CallbackOrder, CallEnd, PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import type { Log } from "../../shared/log/log.ts";
import { GateSocket } from "./gate-socket.ts";

type Link = PhoneVerbs["status"]["args"]["link"];

/**
 * The process's own connection to the gate, for as long as both live: brings orders to call back, and tells the gate
 * how the link to Asterisk is. Reconnects by itself, for ever.
 */
export class GateWatch {
  readonly #path: string;
  readonly #log: Log;
  readonly #hear: (order: CallbackOrder) => void;
  readonly #closing = new AbortController();
  #socket: GateSocket | undefined;
  #link: Link = "connecting";

  constructor(path: string, log: Log, hear: (order: CallbackOrder) => void) {
    this.#path = path;
    this.#log = log;
    this.#hear = hear;
  }

  /** Tells the gate, now or as soon as it is there. */
  tell(link: Link): void {
    this.#link = link;
    void this.#socket?.ask("status", { link });
  }

  /** Tells the gate that a call-back is over. A gate that was away has forgotten it by itself. */
  callOver(id: string, end: CallEnd): void {
    void this.#socket?.ask("call_over", { id, end });
  }

  /** One connection after another, until closed. */
  async keepUp(): Promise<void> {
    const { signal } = this.#closing;
    for (let tries = 1; !signal.aborted; tries++) {
      const socket = await GateSocket.connect(this.#path, (event) => this.#hear(event as CallbackOrder));
      if (socket !== undefined) {
        await this.#listen(socket);
        tries = 1;
      } else if (tries === 1) this.#log.warn("the gate does not answer: is knockd running?");
      await delay(backoff(tries, Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  async #listen(socket: GateSocket): Promise<void> {
    this.#socket = socket;
    if (this.#closing.signal.aborted) socket.close();
    this.#log.info("connected with the gate");
    void socket.ask("callbacks", {});
    void socket.ask("status", { link: this.#link });
    await socket.ended;
    this.#socket = undefined;
    if (!this.#closing.signal.aborted)
      this.#log.warn("the gate has gone away; callers are told to call later");
  }

  close(): void {
    this.#closing.abort();
    this.#socket?.close();
  }
}
