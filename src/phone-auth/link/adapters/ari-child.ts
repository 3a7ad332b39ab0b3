/**
 * The child of phone-auth that runs ari-client, a program of its own: dist/ari-link.cjs. It is a fence: ari-client
 * throws from event handlers, forgets promises and gives up on servers, and here all that costs is this process,
 * which ends at the first doubt and is started anew. Words with the parent: ../messages.ts.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "ari-client";
import { backoff } from "../../../shared/backoff.ts";
import { HEARD, readEvent } from "../events.ts";
import type { Credentials, Order, Report } from "../messages.ts";

/** One look whether Asterisk answers. ms */
const LOOK_LIMIT = 1_500;
/** How long a call that came in during our start may take to be told of. ms */
const SETTLING = 500;

/** Words that wait for the parent to read them. Bytes. */
const MAX_BACKLOG = 1 << 20;
/** What a caller's going looks like: ari-client keeps the text of an answer, not its status (404, 409). */
const GONE = /(channel|playback) not (found|in stasis)/i;

// ari-client prints to stdout as it pleases; the words are ours alone
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

function tell(report: Report): void {
  write(`${JSON.stringify(report)}\n`);
  if (process.stdout.writableLength > MAX_BACKLOG) process.exit(1); // the parent does not read: it will start another
}

/** Says the last words and ends, once they are written. */
function end(report: Report): Promise<never> {
  write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  return new Promise(() => undefined);
}

/** A fault in words, without the password that ari-client puts into URLs. */
function words(error: unknown, { password }: Credentials): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(password, "***").replaceAll(encodeURIComponent(password), "***").slice(0, 200);
}

/** Waits until ARI answers, for ever. ari-client itself would give up, and call a wrong password by no name. */
async function untilThere({ url, username, password }: Credentials): Promise<void> {
  const login = Buffer.from(`${username}:${password}`).toString("base64");
  for (let tries = 1; ; tries++) {
    const why = await fetch(new URL("/ari/asterisk/info", url), {
      headers: { Authorization: `Basic ${login}` },
      signal: AbortSignal.timeout(LOOK_LIMIT),
    }).then(
      ({ status }) => status,
      () => "Asterisk does not answer",
    );
    if (why === 200) return;
    if (why === 401 || why === 403) await end({ say: "refused", why: "wrong password" });
    tell({ say: "waiting", why: typeof why === "number" ? `ARI answers with HTTP ${why}` : why });
    await delay(backoff(tries, Math.random()));
  }
}

/** One connection: from the first handler to the end of the process. */
class Connection {
  readonly #client: Client;
  readonly #app: string;
  /** Channels told of and not yet gone. bounded: by Asterisk's channels in our application */
  readonly #channels = new Set<string>();
  /** Heartbeats under way, by the name of their event. bounded: the parent sends one at a time */
  readonly #beats = new Map<string, () => void>();

  constructor(client: Client, app: string) {
    this.#client = client;
    this.#app = app;
    // on the client, never on channels: ari-client keeps those for ever
    for (const type of HEARD) client.on(type, (event: unknown) => this.#hear(event));
    client.on("ChannelUserevent", ({ eventname }: { eventname?: string }) =>
      this.#beats.get(eventname ?? "")?.(),
    );
    client.on("ApplicationReplaced", () => void end({ say: "replaced" }));
    const lost = (): void => void end({ say: "lost", why: "the connection to Asterisk ended" });
    client.on("WebSocketReconnecting", lost);
    client.on("WebSocketMaxRetries", lost);
  }

  #hear(event: unknown): void {
    const read = readEvent(event);
    if (read === undefined) return;
    if (read.kind === "call") this.#channels.add(read.channel);
    if (read.kind === "gone" && !this.#channels.delete(read.channel)) return;
    tell({ say: "event", event: read });
  }

  /** Connects the event stream, and sees it work before anybody relies on it. */
  async start(): Promise<void> {
    await this.#client.start(this.#app);
    await this.#beat("start");
  }

  /** Hangs up what an earlier life left in our application: nobody listens to those channels any more. */
  async clear(): Promise<void> {
    const { channel_ids = [] } = await this.#client.applications.get({ applicationName: this.#app });
    await delay(SETTLING);
    const left = channel_ids.filter((id) => !this.#channels.has(id));
    // one that is gone in between is as good
    await Promise.all(left.map((channelId) => this.#client.channels.hangup({ channelId }).catch(() => null)));
  }

  async #beat(name: string): Promise<void> {
    const came = new Promise<void>((resolve) => this.#beats.set(name, resolve));
    try {
      await this.#client.events.userEvent({ eventName: name, application: this.#app });
      await came;
    } finally {
      this.#beats.delete(name);
    }
  }

  async obey(order: Order): Promise<string | undefined> {
    const { channels, playbacks } = this.#client;
    switch (order.do) {
      case "answer":
        await channels.answer({ channelId: order.channel });
        return;
      case "hang_up":
        await channels.hangup({ channelId: order.channel });
        return;
      case "play":
        await channels.play({
          channelId: order.channel,
          playbackId: order.playback,
          media: order.media.join(","),
        });
        return;
      case "stop":
        await playbacks.stop({ playbackId: order.playback });
        return;
      case "variable":
        return (await channels.getChannelVar({ channelId: order.channel, variable: order.name })).value ?? "";
      case "ring":
        return this.#ring(order);
      case "ping":
        await this.#beat(`beat-${order.id}`);
    }
  }

  async #ring(order: Order & { do: "ring" }): Promise<undefined> {
    this.#channels.add(order.channel); // before Asterisk can tell of its end
    try {
      await this.#client.channels.originate({
        endpoint: order.endpoint,
        app: this.#app,
        appArgs: order.args.join(","),
        channelId: order.channel,
        callerId: order.callerId,
        timeout: Math.ceil(order.ringFor / 1000),
        formats: "ulaw,alaw,slin",
      });
    } catch (error) {
      this.#channels.delete(order.channel);
      throw error;
    }
  }
}

async function serve(credentials: Credentials, orders: AsyncIterable<string>): Promise<void> {
  await untilThere(credentials);
  const { url, username, password, app } = credentials;
  // loaded late: it costs three times Node's own start, and most starts end before, while Asterisk is away
  const { default: ari } = await import("ari-client");
  const connection = new Connection(await ari.connect(url, username, password), app);
  await connection.start();
  tell({ say: "up" });
  void connection.clear().catch((error) => end({ say: "lost", why: words(error, credentials) }));
  for await (const line of orders) {
    const order = JSON.parse(line) as Order;
    void connection.obey(order).then(
      (value) => tell({ say: "done", id: order.id, value }),
      (error) => {
        const message = words(error, credentials);
        tell({ say: "failed", id: order.id, gone: GONE.test(message), message });
      },
    );
  }
}

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  lines.on("close", () => process.exit(0)); // the parent is gone, or wants us gone
  process.stdout.on("error", () => process.exit(1));
  // Ctrl-C and systemd mean the parent too: it hangs up its calls, through us, and then ends us
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  const orders = lines[Symbol.asyncIterator]();
  const credentials = JSON.parse((await orders.next()).value ?? "") as Credentials;
  const doubt = (error: unknown): void => void end({ say: "lost", why: words(error, credentials) });
  process.on("uncaughtException", doubt);
  process.on("unhandledRejection", doubt);
  await serve(credentials, { [Symbol.asyncIterator]: () => orders }).catch(doubt);
}

void main();
