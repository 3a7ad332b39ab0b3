import type { LineServer } from "../shared/gate/adapters/line-server.ts";

/** Where phone-auth asks: there while `[phone] enabled` says so, also after a reload. */
export class PhoneDoor {
  readonly #open: () => Promise<LineServer>;
  #server: LineServer | undefined;
  #turn: Promise<void> = Promise.resolve();

  /** @param open begins to serve phone.sock */
  constructor(open: () => Promise<LineServer>) {
    this.#open = open;
  }

  /** Opens it, or closes it and hangs up on who is there; nothing where it is so already. @throws the system's error */
  follow(isWanted: boolean): Promise<void> {
    const done = this.#turn.then(async () => {
      if (isWanted) this.#server ??= await this.#open();
      else {
        await this.#server?.close();
        this.#server = undefined;
      }
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
