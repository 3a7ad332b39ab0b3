import { type Duration, seconds } from "../../shared/duration.ts";
import type { PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import type { Fields } from "../../shared/log/log.ts";
import type { AskedVerb, CallEffect, CallSettings, Question, Timer } from "./call.ts";
import { mediaOf } from "./prompts.ts";
import type { Line } from "./speech.ts";
import { ANSWER_LIMIT, type CallState, LIMITS, playLimit, questionOf, type Stage } from "./state.ts";

type StepTimer = Exclude<Timer, "call">;

/** A step of a call has its state before, its state after, and what is to be done in between. */
export interface Step {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

/**
 * One step while it is worked out: the rules say here what they want, and `done` puts it in order. Lives for one step;
 * from outside, the step stays a pure function.
 */
export class Turn {
  state: CallState;
  private readonly before: CallState;
  private readonly said: CallEffect[] = []; // bounded: what one event can cause
  private line: Line | null = null;
  private stopped = false;
  private question: Question | null = null;
  /** The timer to run from now; undefined: as it was. */
  private timer: { readonly name: StepTimer; readonly after: Duration } | null | undefined;
  private hungUp = false;

  constructor(
    state: CallState,
    private readonly settings: CallSettings,
  ) {
    this.state = state;
    this.before = state;
  }

  /** Changes what is remembered. */
  set(change: Partial<CallState>): void {
    this.state = { ...this.state, ...change };
  }

  /** True when keys count now. */
  get listening(): boolean {
    return this.state.busy === null && !["new", "goodbye", "ended"].includes(this.state.stage.name);
  }

  answer(): void {
    this.said.push({ kind: "answer" });
  }

  /** Words only. */
  log(message: string, fields: Fields = {}): void {
    this.said.push({ kind: "log", message, fields });
  }

  /** Starts the timer of the whole call. */
  limitCall(): void {
    this.said.push({ kind: "timer", timer: "call", after: this.settings.patience.call });
  }

  wait(name: StepTimer, after: Duration): void {
    this.timer = { name, after };
  }

  /** Waits for the caller's next key, for as long as is set. */
  awaitKey(name: "first_digit" | "between_digits"): void {
    this.wait(name, this.settings.patience[name]);
  }

  /** A key or nothing more: what is being said, or is about to be, ends. */
  interrupt(): void {
    this.line = null;
    this.stopped = this.before.playing;
    this.set({ playing: false });
  }

  ask<V extends AskedVerb>(verb: V, args: PhoneVerbs[V]["args"]): void {
    this.question = { kind: "ask", verb, args } as Question;
    this.set({ busy: verb, entry: "" });
    this.wait("answer", ANSWER_LIMIT);
  }

  /** Asks what the stage asks, after some words. Keys pressed before were not meant for this question: they are dropped. */
  listen(stage: Stage, words: Line = []): void {
    this.set({ ahead: "" });
    this.goOn(stage, words);
  }

  /** The same, for an expected question: who knows the way may key ahead. */
  goOn(stage: Stage, words: Line = []): void {
    this.set({ stage, busy: null, entry: "" });
    this.line = [...words, ...questionOf(this.state)];
  }

  /**
   * A wrong entry: asks again, after a delay when the gate wants one, or ends the call when it was one too many.
   * @param delay seconds
   */
  miss(words: Line = ["incorrect"], delay = 0): void {
    const { stage, misses } = this.state;
    if (stage.name !== "pin" && stage.name !== "authenticator" && stage.name !== "menu") return;
    const count = misses[stage.name] + 1;
    this.set({ misses: { ...misses, [stage.name]: count } });
    if (count >= LIMITS.misses[stage.name]) {
      const why: Line = stage.name === "menu" ? [] : ["too_many"];
      this.close([...why, "goodbye"], "too many wrong entries");
    } else if (delay > 0) {
      this.set({ busy: "pause", entry: "" });
      this.wait("pause", seconds(delay));
    } else this.listen(stage, words);
  }

  /** Says the last words; after them the call ends. */
  close(line: Line, because: string): void {
    this.log("call ends", { because });
    this.set({ stage: { name: "goodbye" }, busy: null, entry: "", ahead: "" });
    this.question = null;
    this.line = line;
  }

  /** Ends the call without another word. */
  hangUp(): void {
    this.hungUp = true;
    this.end();
  }

  /** The call is over; nothing of it may go on. */
  end(): void {
    this.set({ stage: { name: "ended" }, busy: null, playing: false, entry: "", ahead: "", session: null });
    this.line = null;
    this.stopped = false;
  }

  /** @returns the step, its effects in the order in which they are to be done */
  done(): Step {
    const play = this.play();
    const stop: CallEffect[] = this.stopped && play.length === 0 ? [{ kind: "stop" }] : [];
    const ask = this.question === null ? [] : [this.question];
    const hangUp: CallEffect[] = this.hungUp ? [{ kind: "hang_up" }] : [];
    const effects = [...this.said, ...stop, ...play, ...ask, ...this.timers(), ...hangUp];
    return { state: this.state, effects };
  }

  private play(): CallEffect[] {
    if (this.line === null) return [];
    const media = mediaOf(this.line, this.settings);
    this.set({ playing: true });
    this.wait("prompt", playLimit(media.length));
    return [{ kind: "play", media, interruptible: this.state.stage.name !== "goodbye" }];
  }

  private timers(): CallEffect[] {
    const off = (timer: Timer): CallEffect => ({ kind: "timer", timer, after: null });
    const running = this.before.timer;
    if (this.state.stage.name === "ended") {
      this.set({ timer: null });
      return [...(running === null ? [] : [off(running)]), off("call")];
    }
    if (this.timer === undefined) return [];
    const next = this.timer;
    const old = running !== null && running !== next?.name ? [off(running)] : [];
    this.set({ timer: next?.name ?? null });
    return next === null ? old : [...old, { kind: "timer", timer: next.name, after: next.after }];
  }
}
