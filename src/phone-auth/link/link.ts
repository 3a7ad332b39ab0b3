import type { Duration } from "../../shared/duration.ts";

/** How the link to Asterisk is. Whenever it is not `up`, every channel it told of is gone. */
export type LinkState =
  /** Asterisk is being tried, endlessly; `why` it is not up yet, once that is known. */
  | { readonly state: "connecting"; readonly why: string | null }
  | { readonly state: "up" }
  /** Asterisk does not let us in (wrong password); it is tried on, the admin may be mending it. */
  | { readonly state: "refused"; readonly why: string }
  /** Another program took our application over. For good: two that take it from each other would serve nobody. */
  | { readonly state: "replaced" };

/** A channel that came into our application: somebody calls, or somebody we rang has picked up. */
export interface Arrival {
  /** Asterisk's id of the channel. */
  readonly channel: string;
  /** Technology and endpoint, from the channel's name: `PJSIP/201`. */
  readonly endpoint: string;
  /** Caller ID as it came: anybody may claim any. */
  readonly number: string;
  /** The dialplan context it is in now; not where it came in: see lane.ts. */
  readonly context: string;
  /** Arguments of Stasis(), or of our own originate. */
  readonly args: readonly string[];
}

/** What Asterisk tells. */
export type LinkEvent =
  | ({ readonly kind: "state" } & LinkState)
  | ({ readonly kind: "call" } & Arrival)
  /** One key, at the end of its tone. */
  | { readonly kind: "digit"; readonly channel: string; readonly digit: string }
  /** Ran to its end, was stopped, or could not be played. It may never come: have a timer. */
  | { readonly kind: "played"; readonly playback: string }
  /** Once for each channel that came in or was rung. `cause`: Q.850, null when it only left our application. */
  | { readonly kind: "gone"; readonly channel: string; readonly cause: number | null };

/** What became of a command. `gone`: the caller is. `down`: the link is, or did not answer in time. */
export type Outcome<T = object> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly why: "gone" | "failed" | "down"; readonly message: string };

/** An outgoing call. */
export interface Ringing {
  /** The id its channel is to have; unique, ours to choose. */
  readonly channel: string;
  /** `PJSIP/201`. */
  readonly endpoint: string;
  /** What the Arrival will bear when it is picked up. */
  readonly args: readonly string[];
  /** What the phone shows. */
  readonly callerId: string;
  readonly ringFor: Duration;
}

/**
 * The port to Asterisk: calls as events and commands. No command throws or waits longer than its time limit (3 s);
 * the link mends itself, for ever, and says how it is by `state` events.
 */
export interface AriLink {
  /** How it is now. */
  readonly state: LinkState;
  answer(channel: string): Promise<Outcome>;
  /**
   * Plays media URIs (`sound:digits/1`) one after the other as one playback. Only `sound:` can be interrupted.
   * @param playback the id its `played` will bear; unique, ours to choose
   */
  play(channel: string, playback: string, media: readonly string[]): Promise<Outcome>;
  /** Ends a playback at once. `gone` when it has ended already. */
  stop(playback: string): Promise<Outcome>;
  hangUp(channel: string): Promise<Outcome>;
  /** Asks for a channel variable or dialplan function; `failed` when Asterisk has no such thing. */
  variable(channel: string, name: string): Promise<Outcome<{ readonly value: string }>>;
  /** Rings somebody; a `call` follows when he picks up, a `gone` when he does not. */
  ring(ringing: Ringing): Promise<Outcome>;
  /** Hangs nothing up; channels left behind are hung up by the next life. */
  close(): Promise<void>;
}

/** Opens a link. Events come in order, from the next turn on, never during a command. */
export type OpenLink = (hear: (event: LinkEvent) => void) => AriLink;
