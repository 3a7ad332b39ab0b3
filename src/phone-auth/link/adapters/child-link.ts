import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "../../../shared/backoff.ts";
import { type Duration, seconds } from "../../../shared/duration.ts";
import type { AriLink, LinkEvent, LinkState, Outcome, Ringing } from "../link.ts";
import type { Command, Credentials } from "../messages.ts";
import { type Child, down, startChild, type Words } from "./child.ts";

/** Time limit of a command, and of a heartbeat. */
const LIMIT = seconds(3);
/** From one heartbeat's answer to the next: with the limit, a frozen Asterisk is noticed within 5 s. */
const BEAT = seconds(2);
/** How long a child may take from Asterisk's first answer to being up. */
const START_LIMIT = seconds(10);
/** After a refusal: another try brings nothing until an admin has changed something. */
const REFUSED_PAUSE = seconds(1);

/** What a link is made from. */
export interface ChildLinkOptions {
  /** The child's program and arguments: see ari-child.ts. */
  readonly command: readonly string[];
  /** Asked before each connection: the password may have been changed. @throws when it cannot be read */
  readonly credentials: () => Promise<Credentials>;
}

/**
 * Opens the link to Asterisk: ari-client in a child process, which is replaced on any doubt: its end, a word we do
 * not understand, a command or heartbeat over its time limit.
 * @param hear is told the events
 */
export function openChildLink(options: ChildLinkOptions, hear: (event: LinkEvent) => void): AriLink {
  const link = new ChildLink(options, hear);
  void link.keepUp();
  return link;
}

class ChildLink implements AriLink {
  readonly #options: ChildLinkOptions;
  readonly #hear: (event: LinkEvent) => void;
  readonly #closing = new AbortController();
  #state: LinkState = { state: "connecting", why: null };
  #child: Child | undefined;
  /** Lives in a row that ended before they were up. */
  #failures = 0;

  constructor(options: ChildLinkOptions, hear: (event: LinkEvent) => void) {
    this.#options = options;
    this.#hear = hear;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** One child after another, until closed or replaced. */
  async keepUp(): Promise<void> {
    while (!this.#closing.signal.aborted && this.#state.state !== "replaced") {
      await this.#live().catch((error) => this.#become({ state: "connecting", why: String(error.message) }));
      const span = this.#state.state === "refused" ? REFUSED_PAUSE : backoff(++this.#failures, Math.random());
      await delay(span, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  /** One life of a child, from its start to its end. @throws when there are no credentials */
  async #live(): Promise<void> {
    const credentials = await this.#options.credentials();
    if (this.#closing.signal.aborted) return;
    const life = new AbortController();
    let hurry: NodeJS.Timeout | undefined;
    const child = startChild(this.#options.command, credentials, (words) => {
      clearTimeout(hurry);
      if (words.say === "waiting") hurry = setTimeout(() => child.kill(), START_LIMIT);
      if (words.say === "up") void this.#beat(child, life.signal);
      this.#take(words);
    });
    this.#child = child;
    hurry = setTimeout(() => child.kill(), START_LIMIT);
    const { missing } = await child.ended;
    clearTimeout(hurry);
    life.abort();
    this.#child = undefined;
    if (missing) this.#become({ state: "connecting", why: `${this.#options.command[0]} cannot be started` });
    else if (this.#state.state === "up")
      this.#become({ state: "connecting", why: "Asterisk does not answer" });
  }

  #take(words: Words): void {
    if (words.say === "event") this.#hear(words.event);
    else this.#become(stateAfter(words));
    if (words.say === "up") this.#failures = 0;
  }

  #become(state: LinkState): void {
    const changed = JSON.stringify(state) !== JSON.stringify(this.#state);
    this.#state = state;
    if (changed && !this.#closing.signal.aborted) this.#hear({ kind: "state", ...state });
  }

  /** Heartbeats, one after the other. One that fails is a doubt; one without an answer has killed the child already. */
  async #beat(child: Child, life: AbortSignal): Promise<void> {
    while (!life.aborted) {
      const { ok } = await child.order({ do: "ping" }, LIMIT);
      if (!ok) child.kill();
      await delay(BEAT, undefined, { signal: life }).catch(() => undefined);
    }
  }

  async #order(command: Command, limit: Duration = LIMIT): Promise<Outcome<{ value: string }>> {
    if (this.#child === undefined || this.#state.state !== "up") return down("there is no link to Asterisk");
    return this.#child.order(command, limit);
  }

  answer(channel: string): Promise<Outcome> {
    return this.#order({ do: "answer", channel });
  }

  play(channel: string, playback: string, media: readonly string[]): Promise<Outcome> {
    return this.#order({ do: "play", channel, playback, media });
  }

  stop(playback: string): Promise<Outcome> {
    return this.#order({ do: "stop", playback });
  }

  hangUp(channel: string): Promise<Outcome> {
    return this.#order({ do: "hang_up", channel });
  }

  variable(channel: string, name: string): Promise<Outcome<{ value: string }>> {
    return this.#order({ do: "variable", channel, name });
  }

  ring(ringing: Ringing): Promise<Outcome> {
    return this.#order({ do: "ring", ...ringing });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#child?.kill();
    await this.#child?.ended;
  }
}

function stateAfter(words: Exclude<Words, { say: "event" }>): LinkState {
  if ("why" in words) return { state: words.say === "refused" ? "refused" : "connecting", why: words.why };
  return { state: words.say };
}
