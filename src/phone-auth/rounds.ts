import { type Duration, seconds } from "../shared/duration.ts";
import type { CallbackOrder, CallEnd } from "../shared/gate/phone-verbs.ts";
import type { Log } from "../shared/log/log.ts";
import type { Settings } from "../shared/settings/settings.ts";
import type { AriLink } from "./link/link.ts";

/** What call-backs are made with. */
export interface RoundsParts {
  readonly phone: Settings["phone"];
  readonly link: AriLink;
  readonly log: Log;
  readonly freshId: () => string;
  /** Is told of each call that was not taken. */
  readonly onCallOver: (request: string, end: CallEnd) => void;
}

/** What Q.850 calls the ends of a call that was not picked up; any other is "not reached". */
const CAUSES: Readonly<Record<number, CallEnd>> = {
  1: "no such number",
  17: "busy",
  18: "no answer",
  19: "no answer",
  20: "not registered",
  21: "refused",
};

/** Phones that ring on our behalf and were not picked up yet. */
export class Rounds {
  readonly #parts: RoundsParts;
  /** By channel. bounded: `max_calls`, kept by the driver */
  readonly #ringing = new Map<string, CallbackOrder>();

  constructor(parts: RoundsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#ringing.size;
  }

  channels(): Iterable<string> {
    return this.#ringing.keys();
  }

  /** Rings the number of an order. A number that is no number is not rung, whoever sent it: it becomes dialplan. */
  async ring(order: CallbackOrder): Promise<void> {
    const { phone, link, log, freshId } = this.#parts;
    if (!/^\+?[0-9*#]{1,32}$/.test(order.number) || !(order.left > 0)) {
      log.error("a call-back was not made: its order makes no sense", { request: order.id });
      return this.#parts.onCallOver(order.id, "not placed");
    }
    const channel = `knockline-${freshId()}`;
    this.#ringing.set(channel, order);
    log.info("calling back", { request: order.id });
    const outcome = await link.ring({
      channel,
      endpoint: phone.callback.replaceAll("{number}", () => order.number),
      args: ["callback"],
      callerId: `"knockline" <${phone.extension}>`,
      ringFor: Math.min(phone.ring, seconds(order.left)) as Duration,
    });
    if (outcome.ok || !this.#ringing.delete(channel)) return;
    log.warn("a call-back was not made", { request: order.id, reason: outcome.message });
    this.#parts.onCallOver(order.id, outcome.why === "down" ? "not placed" : "not reached");
    await link.hangUp(channel); // Asterisk may have refused it and ring it all the same
  }

  /** Somebody is on the line. @returns the order when it is one we rang */
  answered(channel: string): CallbackOrder | undefined {
    const order = this.#ringing.get(channel);
    this.#ringing.delete(channel);
    return order;
  }

  /** A channel is gone: says so when it was one that still rang. */
  unanswered(channel: string, cause: number | null): void {
    const order = this.answered(channel);
    if (order === undefined) return;
    const end = CAUSES[cause ?? -1] ?? "not reached";
    this.#parts.log.warn("nobody took a call-back", { request: order.id, reason: end, cause });
    this.#parts.onCallOver(order.id, end);
  }

  /** The link is down: what rang is forgotten. */
  clear(): void {
    for (const { id } of this.#ringing.values()) this.#parts.onCallOver(id, "link lost");
    this.#ringing.clear();
  }
}
