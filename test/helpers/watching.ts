import type { EventView } from "../../src/shared/gate/views.ts";
import type { Instance, User } from "./instance.ts";
import type { Host, Running } from "./lab.ts";
import { until } from "./wait.ts";

/** What `knockctl watch` tells while a test goes on. It ends with the lab. */
export class Watching {
  readonly #server: Host;
  readonly #running: Running;

  private constructor(server: Host, running: Running) {
    this.#server = server;
    this.#running = running;
  }

  /** Starts watching, and waits until it sees. */
  static async start(instance: Instance): Promise<Watching> {
    const { host } = instance;
    const running = host.start(process.execPath, instance.commandLine(["watch", "--json"]));
    const watching = new Watching(host, running);
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

  /**
   * Knocks a user's UDP ports with a payload in the last step, and waits for what becomes of it.
   * @param source see Host.anyip; the host's own address by default
   * @throws Error when nothing is told of it
   */
  async knock(user: User, payload: string, from: Host, source = from.address): Promise<EventView> {
    const before = this.events().length;
    const ports = user.steps.map(({ port }) => port);
    const payloads = [...ports.slice(1).map(() => "\0"), payload];
    await from.agent.send({ address: this.#server.address, ports, payloads, from: source });
    const outcome = () => this.events().slice(before).find(isOutcome(source));
    return until(outcome, { what: `a knock of ${user.name} comes to something` });
  }
}

/** otp-wrong goes to the history after its denial, and may come while the next knock is on its way. */
const isOutcome =
  (source: string) =>
  ({ event, address, reason }: EventView): boolean =>
    address === source && !["step", "otp-wrong"].includes(event) && !reason?.startsWith("a repeat");
