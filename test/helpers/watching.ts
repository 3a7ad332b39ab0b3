import type { EventView } from "../../src/shared/gate/views.ts";
import type { Instance } from "./instance.ts";
import type { Running } from "./lab.ts";
import { until } from "./wait.ts";

/** What `knockctl watch` tells while a test goes on. It ends with the lab. */
export class Watching {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  /** Starts watching, and waits until it sees. */
  static async start(instance: Instance): Promise<Watching> {
    const watching = new Watching(
      instance.host.start(process.execPath, instance.commandLine(["watch", "--json"])),
    );
    const sees = async () => {
      await instance.must(["grant", "203.0.113.250", "--ttl", "60s"]);
      return watching.events().length > 0;
    };
    await until(sees, { what: "watch sees events", deadline: 15_000 });
    await instance.must(["revoke", "--all"]);
    return watching;
  }

  /** @returns all it told so far, in order */
  events(): EventView[] {
    const lines = this.#running.output().split("\n");
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  /** @returns what it told of one user so far */
  of(user: string): EventView[] {
    return this.events().filter((event) => event.user === user);
  }

  /** Waits for the n-th event of a user with this name. @throws Error with what came instead */
  async next(user: string, event: string, { n = 1, deadline = 10_000 } = {}): Promise<EventView> {
    const found = () => this.of(user).filter((one) => one.event === event)[n - 1];
    return until(found, { what: `watch tells of "${event}" for ${user}`, deadline }).catch((error) => {
      throw new Error(`${error.message}; it told ${JSON.stringify(this.of(user))}`);
    });
  }
}
