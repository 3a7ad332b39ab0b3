import { join } from "node:path";
import { connectGate } from "../../src/shared/gate/adapters/client.ts";
import type { Asker } from "../../src/shared/gate/verbs.ts";
import type { EventView } from "../../src/shared/gate/views.ts";
import type { Instance } from "./instance.ts";

/**
 * A line to a running knockd's admin socket: what knockctl would ask and watch, without a process for each question.
 * It ends with knockd.
 */
export class GateLine {
  /** All that happened since the line was opened. bounded: by the test */
  readonly events: EventView[] = [];
  readonly #asker: Asker;
  readonly #watcher: Asker;

  private constructor(asker: Asker, watcher: Asker) {
    this.#asker = asker;
    this.#watcher = watcher;
  }

  /** @throws Error when no knockd listens */
  static async open(instance: Instance): Promise<GateLine> {
    const path = join(instance.folder, "admin.sock");
    const [asker, watcher] = [await connectGate(path), await connectGate(path)];
    if (asker === undefined || watcher === undefined) throw new Error("knockd does not listen");
    const line = new GateLine(asker, watcher);
    void line.#watch().catch(() => {}); // knockd went away
    await asker.ask("status", {}); // asked later than the watching: it has begun
    return line;
  }

  /** As `knockctl` would. @throws Refusal */
  readonly ask: Asker["ask"] = (verb, args) => this.#asker.ask(verb, args);

  /** What was told of one user so far. */
  of(user: string): EventView[] {
    return this.events.filter((event) => event.user === user);
  }

  async close(): Promise<void> {
    await Promise.all([this.#asker.close(), this.#watcher.close()]);
  }

  async #watch(): Promise<void> {
    for await (const event of this.#watcher.watch({})) this.events.push(event);
  }
}
