import { answerName } from "../shared/access/allow.ts";
import type { Gate, NameWatcher } from "../shared/access/gate.ts";
import { type Duration, milliseconds } from "../shared/duration.ts";
import { LimitedLog } from "../shared/log/limited.ts";
import { failingFor, freshFor, Schedule } from "../shared/names/schedule.ts";
import type { Random } from "../shared/users/ports.ts";

/** Steps of chance. */
const FINE = 1_000;

/** Looks up the allowlist's names again and again, a few at a time, so that the allowlist follows them. */
export class NameWatch implements NameWatcher {
  readonly #gate: Gate;
  readonly #random: Random;
  readonly #wake: (after: Duration) => void;
  readonly #schedule = new Schedule();
  /** How often each failed in a row. bounded: the names followed */
  readonly #failed = new Map<string, number>();
  readonly #log: LimitedLog;

  /** @param wake asks for `tick` to be called after a time, soon where it is over; of several askings the earliest counts */
  constructor(gate: Gate, random: Random, wake: (after: Duration) => void) {
    this.#gate = gate;
    const { log, clock } = gate.parts;
    this.#log = new LimitedLog(log, clock, "names had news that have no line of their own");
    this.#random = random;
    this.#wake = wake;
  }

  /** Takes over the names of the allowlist: what is new, or was there at the start, is due now. */
  follow(): void {
    const { allowlist } = this.#gate.state;
    const now = this.#gate.parts.clock();
    for (const name of this.#schedule.names()) if (allowlist.get(name)?.lookup == null) this.#forget(name);
    for (const { what, lookup, addresses } of allowlist.all()) {
      if (lookup === null || this.#schedule.has(what)) continue;
      // one that was answered this minute is not asked for again; who has no address yet comes first
      const rest = lookup.answered === null ? 0 : freshFor(0, 0) - (now.wall - lookup.answered);
      this.#schedule.put(what, now.uptime + Math.max(0, rest) - Number(addresses.length === 0));
    }
    this.#sleep();
  }

  hurry(): void {
    this.#schedule.hurry(this.#gate.parts.clock().uptime);
    this.#sleep();
  }

  /** Begins to look up all that is due: how often this is called does not set the pace. */
  tick(): void {
    const { uptime } = this.#gate.parts.clock();
    for (const name of this.#schedule.take(uptime)) void this.#lookUp(name);
    this.#sleep();
  }

  async #lookUp(name: string): Promise<void> {
    const answer = await this.#gate.parts.resolver.lookUp(name);
    const outcome = await this.#gate
      .run((state, tx) => answerName(state, tx, name, answer))
      .catch((error) =>
        this.#log.info("a name's addresses could not be taken over", { name, message: String(error) }),
      );
    const { uptime } = this.#gate.parts.clock();
    const chance = this.#random(FINE) / FINE;
    if (outcome && outcome.failing === null) this.#failed.delete(name);
    else this.#failed.set(name, (this.#failed.get(name) ?? 0) + 1);
    const times = this.#failed.get(name);
    const rest = times === undefined ? freshFor(outcome?.ttl ?? 0, chance) : failingFor(times, chance);
    this.#schedule.answered(name, uptime + rest);
    if (!this.#schedule.has(name)) this.#failed.delete(name);
    if (outcome) this.#tellOutcome(name, outcome);
    this.#sleep();
  }

  #tellOutcome(
    name: string,
    { moved, failing, before, addresses }: NonNullable<ReturnType<typeof answerName>>,
  ): void {
    const was = before.lookup?.failing ?? null;
    if (moved) this.#log.info("a name has other addresses", { name, before: before.addresses, addresses });
    if (failing !== null && was === null)
      this.#log.info("a name cannot be confirmed: its last good addresses stay", { name, why: failing });
    if (failing === null && was !== null) this.#log.info("a name is confirmed again", { name });
  }

  #forget(name: string): void {
    this.#schedule.forget(name);
    this.#failed.delete(name);
  }

  #sleep(): void {
    this.#wake(milliseconds(this.#schedule.wait(this.#gate.parts.clock().uptime)));
  }
}
