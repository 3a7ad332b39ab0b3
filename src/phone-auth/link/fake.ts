import type { AriLink, Arrival, LinkEvent, LinkState, Outcome, Ringing } from "./link.ts";

const DONE: Outcome = { ok: true };
const GONE: Outcome = { ok: false, why: "gone", message: "Channel not found" };
const DOWN: Outcome = { ok: false, why: "down", message: "there is no link to Asterisk" };

/** What a number does when it is rung. */
export type Behaviour = "picks up" | "is busy" | "does not exist" | "rings";

/**
 * An Asterisk in memory, for tests: bears what ari-link's contract says and nothing else. Time stands still in it:
 * a playback ends when `finish` is called, or is stopped.
 */
export class FakePbx implements AriLink {
  state: LinkState = { state: "connecting", why: null };
  /** What was played, in order. */
  readonly played: { readonly channel: string; readonly media: readonly string[] }[] = [];
  /** Dialplan functions and variables by name. */
  readonly variables = new Map<string, string>();
  /** What endpoints do that are rung; "picks up" unless listed. */
  readonly behaviours = new Map<string, Behaviour>();
  readonly answered = new Set<string>();
  readonly #channels = new Set<string>();
  /** Channel by playback. */
  readonly #playbacks = new Map<string, string>();
  #hear: (event: LinkEvent) => void = () => undefined;
  #last = 0;

  /** To be given as OpenLink: the fake is the link of whoever opened it last. */
  readonly open = (hear: (event: LinkEvent) => void): AriLink => {
    this.#hear = hear;
    return this;
  };

  /** The channels there are. */
  get channels(): string[] {
    return [...this.#channels];
  }

  /** The link changes; whatever it becomes, no channel of before is left. */
  become(state: LinkState): void {
    this.#channels.clear();
    this.#playbacks.clear();
    this.state = state;
    this.#tell({ kind: "state", ...state });
  }

  /** Somebody calls. @returns his channel */
  call(arrival: Partial<Arrival> = {}): string {
    const channel = arrival.channel ?? `channel-${++this.#last}`;
    const whole = { endpoint: "PJSIP/201", number: "", context: "internal", args: [], ...arrival, channel };
    this.#channels.add(channel);
    this.#tell({ kind: "call", ...whole });
    return channel;
  }

  /** A caller keys. */
  press(channel: string, keys: string): void {
    for (const digit of keys) this.#tell({ kind: "digit", channel, digit });
  }

  /** A caller hangs up. */
  leave(channel: string, cause: number | null = null): void {
    if (!this.#channels.delete(channel)) return;
    for (const [playback, its] of this.#playbacks) if (its === channel) this.#end(playback);
    this.#tell({ kind: "gone", channel, cause });
  }

  /** What is playing runs to its end. */
  finish(): void {
    for (const playback of [...this.#playbacks.keys()]) this.#end(playback);
  }

  async answer(channel: string): Promise<Outcome> {
    return this.#on(channel, () => this.answered.add(channel));
  }

  async play(channel: string, playback: string, media: readonly string[]): Promise<Outcome> {
    return this.#on(channel, () => {
      this.played.push({ channel, media });
      this.#playbacks.set(playback, channel);
    });
  }

  async stop(playback: string): Promise<Outcome> {
    if (this.state.state !== "up") return DOWN;
    return this.#end(playback) ? DONE : GONE;
  }

  async hangUp(channel: string): Promise<Outcome> {
    return this.#on(channel, () => this.leave(channel));
  }

  async variable(channel: string, name: string): Promise<Outcome<{ value: string }>> {
    const outcome = this.#on(channel);
    if (!outcome.ok) return outcome;
    const value = this.variables.get(name);
    return value === undefined
      ? { ok: false, why: "failed", message: "no such variable" }
      : { ok: true, value };
  }

  async ring({ channel, endpoint, args }: Ringing): Promise<Outcome> {
    if (this.state.state !== "up") return DOWN;
    const behaviour = this.behaviours.get(endpoint) ?? "picks up";
    if (behaviour === "does not exist") return { ok: false, why: "failed", message: "Allocation failed" };
    this.#channels.add(channel);
    if (behaviour === "picks up") this.call({ channel, endpoint, args });
    if (behaviour === "is busy") this.leave(channel, 17);
    return DONE;
  }

  /** The time to ring is over. */
  ringsNoLonger(channel: string): void {
    this.leave(channel, 19);
  }

  async close(): Promise<void> {
    this.state = { state: "connecting", why: null };
  }

  #on(channel: string, action: () => void = () => undefined): Outcome {
    if (this.state.state !== "up") return DOWN;
    if (!this.#channels.has(channel)) return GONE;
    action();
    return DONE;
  }

  #end(playback: string): boolean {
    if (!this.#playbacks.delete(playback)) return false;
    this.#tell({ kind: "played", playback });
    return true;
  }

  /** Never during a command: from the next turn on, as the contract says. */
  #tell(event: LinkEvent): void {
    void Promise.resolve().then(() => this.#hear(event));
  }
}
