import { seconds } from "../shared/duration.ts";
import type { CallbackOrder, CallEnd } from "../shared/gate/phone-verbs.ts";
import type { Log } from "../shared/log/log.ts";
import type { Settings } from "../shared/settings/settings.ts";
import { turnAway } from "./busy.ts";
import type { CallEffect, CallEvent, CallSettings } from "./call/call.ts";
import { NEW_CALL } from "./call/state.ts";
import { step } from "./call/step.ts";
import { type After, DrivenCall, type Machine } from "./driver-call.ts";
import type { OpenGateLine } from "./gate-line.ts";
import { callerOf } from "./lane.ts";
import type { AriLink, Arrival, LinkEvent, LinkState, OpenLink } from "./link/link.ts";
import { Rounds } from "./rounds.ts";

/** What calls are driven with. */
export interface DriverParts {
  readonly phone: Settings["phone"];
  readonly calls: CallSettings;
  readonly openLink: OpenLink;
  readonly openLine: OpenGateLine;
  readonly after: After;
  readonly log: Log;
  /** Draws what no other channel's id has. */
  readonly freshId: () => string;
  /** Is told once of each call-back that it is over, and how it ended. */
  readonly onCallOver: (request: string, end: CallEnd) => void;
  /** Is told how the link is, at every change. */
  readonly onLink: (state: LinkState) => void;
}

/** How long a hang-up of everything may take at the end. */
const FAREWELL = seconds(3);

/**
 * Drives all calls: one machine a channel, `max_calls` of them, and as many others that are told to call later.
 * Holds no rule of its own: what is opened, and for whom, is the gate's.
 */
export class Driver {
  readonly #parts: DriverParts;
  readonly #link: AriLink;
  readonly #rounds: Rounds;
  /** By channel. bounded: `max_calls` */
  readonly #calls = new Map<string, DrivenCall>();
  /** Those who are told to call later, by channel. bounded: `max_calls` */
  readonly #turnedAway = new Map<string, DrivenCall>();
  #stopping = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#link = parts.openLink((event) => this.#hear(event));
    this.#rounds = new Rounds({ ...parts, link: this.#link });
  }

  /** Calls somebody back, as the gate ordered. Not when the link is down or every line is taken: that is told. */
  async ring(order: CallbackOrder): Promise<void> {
    const busy = this.#calls.size + this.#rounds.size >= this.#parts.phone.maxCalls;
    if (busy) this.#parts.log.warn("a call-back was not made: max_calls", { request: order.id });
    if (busy || this.#stopping) this.#parts.onCallOver(order.id, "not placed");
    else await this.#rounds.ring(order);
  }

  /** Hangs up every call and closes the link. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const channels = [...this.#calls.keys(), ...this.#turnedAway.keys(), ...this.#rounds.channels()];
    let late = (): void => undefined;
    await Promise.race([
      Promise.all(channels.map((channel) => this.#link.hangUp(channel))),
      new Promise<void>((resolve) => {
        late = this.#parts.after(FAREWELL, resolve);
      }),
    ]);
    late();
    await this.#link.close();
    this.#endAll();
  }

  #hear(event: LinkEvent): void {
    if (event.kind === "state") this.#linkChanged(event);
    else if (event.kind === "call") this.#arrive(event);
    else if (event.kind === "digit") this.#key(event.channel, event.digit);
    else if (event.kind === "played") this.#played(event.playback);
    else this.#gone(event.channel, event.cause);
  }

  /** That a key came is worth a line at the level debug, with its moment; which one it was is nobody's business. */
  #key(call: string, digit: string): void {
    this.#parts.log.debug("a key", { call });
    this.#find(call)?.hear({ kind: "digit", digit });
  }

  #find(channel: string): DrivenCall | undefined {
    return this.#calls.get(channel) ?? this.#turnedAway.get(channel);
  }

  #played(playback: string): void {
    // a playback's id begins with that of its channel: see DrivenCall
    this.#find(playback.slice(0, playback.lastIndexOf("-")))?.played(playback);
  }

  #linkChanged(state: LinkState): void {
    if (state.state !== "up") this.#endAll();
    this.#parts.onLink(state);
  }

  #endAll(): void {
    for (const call of [...this.#calls.values(), ...this.#turnedAway.values()]) this.#end(call, "link lost");
    this.#calls.clear();
    this.#turnedAway.clear();
    this.#rounds.clear();
  }

  #gone(channel: string, cause: number | null): void {
    this.#rounds.unanswered(channel, cause);
    const call = this.#find(channel);
    if (call !== undefined) this.#end(call, "answered");
    this.#calls.delete(channel);
    this.#turnedAway.delete(channel);
  }

  #end(call: DrivenCall, end: CallEnd): void {
    call.end();
    if (call.request !== undefined) this.#parts.onCallOver(call.request, end);
  }

  #arrive(arrival: Arrival): void {
    const { maxCalls } = this.#parts.phone;
    const order = this.#rounds.answered(arrival.channel);
    if (this.#stopping) void this.#link.hangUp(arrival.channel);
    else if (order !== undefined || this.#calls.size + this.#rounds.size < maxCalls)
      void this.#serve(arrival, order);
    else if (this.#turnedAway.size < maxCalls) this.#turnAway(arrival);
    else void this.#link.hangUp(arrival.channel);
  }

  async #serve(arrival: Arrival, request: CallbackOrder | undefined): Promise<void> {
    const { channel, endpoint, number } = arrival;
    this.#parts.log.info("a call", { call: channel, endpoint, number, request: request?.id ?? null });
    const line = this.#parts.openLine();
    const machine = machineOf(NEW_CALL, step, this.#parts.calls);
    const call = this.#newCall(channel, line, machine, request?.id);
    this.#calls.set(channel, call);
    const [caller, gate] = await Promise.all([
      callerOf(this.#link, arrival, this.#parts.phone.context, request?.number),
      line.ready(),
    ]);
    call.begin({ kind: "start", caller, request });
    if (!gate) call.hear({ kind: "gate_down" });
  }

  #turnAway({ channel, endpoint }: Arrival): void {
    this.#parts.log.warn("a caller was told to call later: max_calls", { endpoint });
    const call = this.#newCall(channel, NO_LINE, machineOf("new", turnAway, this.#parts.calls));
    this.#turnedAway.set(channel, call);
    call.begin({ kind: "start", caller: { lane: "external", endpoint, number: null } });
  }

  #newCall(channel: string, line: ReturnType<OpenGateLine>, machine: Machine, request?: string): DrivenCall {
    const { after, log } = this.#parts;
    return new DrivenCall(channel, { link: this.#link, line, machine, request, after, log });
  }
}

/** The gate has nothing to say about those who are turned away. */
const NO_LINE: ReturnType<OpenGateLine> = {
  ready: async () => false,
  ask: async () => undefined,
  close: () => undefined,
};

/** Keeps the state of a pure machine from event to event. */
function machineOf<State>(
  first: State,
  next: (
    state: State,
    event: CallEvent,
    settings: CallSettings,
  ) => { state: State; effects: readonly CallEffect[] },
  settings: CallSettings,
): Machine {
  let state = first;
  return (event) => {
    const turn = next(state, event, settings);
    state = turn.state;
    return turn.effects;
  };
}
