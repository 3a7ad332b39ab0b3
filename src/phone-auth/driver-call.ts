import type { Duration } from "../shared/duration.ts";
import type { Log } from "../shared/log/log.ts";
import type { CallEffect, CallEvent, Question, Timer } from "./call/call.ts";
import type { GateLine } from "./gate-line.ts";
import type { AriLink, Outcome } from "./link/link.ts";

/** Calls back once after that long. @returns what takes it back */
export type After = (span: Duration, callback: () => void) => () => void;

/** A call's machine with the state it is in: `step`, or another of its kind. */
export type Machine = (event: CallEvent) => readonly CallEffect[];

/** What a call is driven with. */
export interface CallParts {
  readonly link: AriLink;
  readonly line: GateLine;
  readonly machine: Machine;
  /** The request that we ring somebody for. */
  readonly request: string | undefined;
  readonly after: After;
  readonly log: Log;
}

/** Keys pressed before the call has begun. */
const MAX_EARLY = 40;

/** One call: brings what happens on its channel to its machine, and does what the machine wants. */
export class DrivenCall {
  readonly channel: string;
  readonly #parts: CallParts;
  /** bounded: one of each name */
  readonly #timers = new Map<Timer, () => void>();
  /** What came before the call began. bounded: MAX_EARLY; undefined from then on */
  #early: CallEvent[] | undefined = [];
  /** The playback whose end the machine waits for. */
  #playback: string | undefined;
  #playbacks = 0;
  /** Commands to Asterisk go one after the other: a `play` must not overtake its `answer`. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(channel: string, parts: CallParts) {
    this.channel = channel;
    this.#parts = parts;
  }

  get request(): string | undefined {
    return this.#parts.request;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Begins the call, with what happened meanwhile. Nothing when its caller has hung up already. */
  begin(start: CallEvent & { kind: "start" }): void {
    if (this.#over) return;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of [start, ...early]) this.hear(event);
  }

  /** Something happened to this call. */
  hear(event: CallEvent): void {
    if (this.#over) return;
    if (this.#early !== undefined) {
      if (this.#early.length < MAX_EARLY) this.#early.push(event);
      return;
    }
    for (const effect of this.#parts.machine(event)) this.#do(effect);
  }

  /** A playback ended: of interest when it is the one that was waited for. */
  played(playback: string): void {
    if (playback !== this.#playback) return;
    this.#playback = undefined;
    this.hear({ kind: "played" });
  }

  /** The channel is gone: nothing is left of the call afterwards. */
  end(): void {
    this.#early = undefined;
    this.hear({ kind: "hangup" });
    this.#over = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#parts.line.close();
  }

  #do(effect: CallEffect): void {
    const { kind } = effect;
    if (kind === "answer") this.#command("answered", (link) => link.answer(this.channel));
    else if (kind === "hang_up") this.#command("hung up", (link) => link.hangUp(this.channel));
    else if (kind === "play") this.#play(effect.media);
    else if (kind === "stop") this.#stop();
    else if (kind === "ask") void this.#ask(effect);
    else if (kind === "timer") this.#setTimer(effect.timer, effect.after);
    else this.#parts.log.info(effect.message, { ...effect.fields, call: this.channel });
  }

  #command(done: string, command: (link: AriLink) => Promise<Outcome>): void {
    this.#turn = this.#turn.then(async () => {
      const outcome = this.#over ? { ok: true } : await command(this.#parts.link);
      // gone, down: an event of its own tells, and ends the call
      if ("why" in outcome && outcome.why === "failed")
        this.#parts.log.warn(`a call could not be ${done}`, { call: this.channel, message: outcome.message });
    });
  }

  #play(media: readonly string[]): void {
    this.#stop();
    const playback = `${this.channel}-${++this.#playbacks}`;
    this.#playback = playback;
    this.#turn = this.#turn.then(async () => {
      if (this.#over || playback !== this.#playback) return; // a key was quicker
      const outcome = await this.#parts.link.play(this.channel, playback, media);
      if (!outcome.ok && outcome.why === "failed") this.played(playback);
    });
  }

  #stop(): void {
    const playback = this.#playback;
    this.#playback = undefined;
    if (playback === undefined) return;
    this.#turn = this.#turn.then(async () => {
      if (!this.#over) await this.#parts.link.stop(playback);
    });
  }

  async #ask(question: Question): Promise<void> {
    const answer = await this.#parts.line.ask(question);
    this.hear(answer ?? { kind: "gate_down" });
  }

  #setTimer(timer: Timer, after: Duration | null): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
    if (after === null) return;
    const cancel = this.#parts.after(after, () => {
      this.#timers.delete(timer);
      this.hear({ kind: "timeout", timer });
    });
    this.#timers.set(timer, cancel);
  }
}
