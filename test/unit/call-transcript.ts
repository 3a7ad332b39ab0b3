import { readFileSync } from "node:fs";
import type { CallEffect, CallEvent, CallSettings, Question } from "../../src/phone-auth/call/call.ts";
import { type CallState, NEW_CALL } from "../../src/phone-auth/call/state.ts";
import { step } from "../../src/phone-auth/call/step.ts";
import { minutes, seconds } from "../../src/shared/duration.ts";
import type { CallbackOrder, Caller } from "../../src/shared/gate/phone-verbs.ts";

export const CALLER: Caller = { lane: "external", endpoint: "PJSIP/trunk", number: "5551234" };

/** Where the tests pretend our recordings to be. */
export const RECORDINGS = "/sounds";

/** As long as the defaults: no clock runs here, so that only their names count. */
export const PATIENCE = { call: minutes(3), first_digit: seconds(10), between_digits: seconds(6) };

const sounds = new URL("../../sounds/", import.meta.url);

/** `name = text` a line. */
function readWords(file: string, prefix: string): [string, string][] {
  const lines = readFileSync(new URL(file, sounds), "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, name, text] = /^([^#=]\S*) = (.*)$/.exec(line) ?? [];
    return name === undefined || text === undefined ? [] : [[prefix + name, text] as [string, string]];
  });
}

/** What each recording says, by its media URI. */
export const WORDS: ReadonlyMap<string, string> = new Map([
  ...readWords("core.txt", "sound:"),
  ...readWords("words.txt", `sound:${RECORDINGS}/en/`),
]);

/** @returns the words of a play */
export const heard = (media: readonly string[]): string =>
  media.map((uri) => WORDS.get(uri) ?? `<${uri}>`).join(" ");

/** Answers questions as the gate would; an answer of `undefined` never comes. */
export type FakeGate = (question: Question) => { ok: boolean; [key: string]: unknown } | "down" | undefined;

/** What the other end does, in order. Keys are pressed when the words have ended, or into them. */
export type Act =
  | { readonly keys: string }
  | { readonly into: string }
  | "silence"
  | "hangs up"
  /** The timer of the whole call. */
  | "too long"
  /** Asterisk never says that the play ended. */
  | "stuck";

/** One call against a fake gate, and what could be heard of it. */
export class Transcript {
  state: CallState = NEW_CALL;
  readonly lines: string[] = [];
  readonly effects: CallEffect[] = [];
  /** Timers that run. */
  readonly timers = new Set<string>();

  constructor(
    private readonly gate: FakeGate,
    readonly settings: CallSettings = { sounds: "core", recordings: RECORDINGS, patience: PATIENCE },
  ) {}

  get over(): boolean {
    return this.state.stage.name === "ended";
  }

  begin(request?: CallbackOrder): void {
    this.happen({ kind: "start", caller: CALLER, ...(request && { request }) });
  }

  /** One event, then all that the gate answers to it. */
  happen(event: CallEvent): void {
    const { state, effects } = step(this.state, event, this.settings);
    this.state = state;
    for (const effect of effects) this.note(effect);
    const asked = effects.find((effect) => effect.kind === "ask");
    if (asked?.kind === "ask") this.ask(asked);
  }

  private ask(question: Question): void {
    const result = this.gate(question);
    const dry = "dry" in question.args ? " (dry)" : "";
    this.lines.push(`gate    ${question.verb}${dry}: ${told(result)}`);
    if (result === "down") this.happen({ kind: "gate_down" });
    else if (result !== undefined) this.happen({ kind: "answer", verb: question.verb, result } as CallEvent);
  }

  private note(effect: CallEffect): void {
    this.effects.push(effect);
    if (effect.kind === "play") this.lines.push(`PBX     ${heard(effect.media)}`);
    else if (effect.kind === "stop") this.lines.push("        (interrupted)");
    else if (effect.kind === "hang_up") this.lines.push("PBX     (hangs up)");
    else if (effect.kind === "log")
      this.lines.push(`log     ${effect.message} ${JSON.stringify(effect.fields)}`);
    else if (effect.kind === "timer" && effect.after === null) this.timers.delete(effect.timer);
    else if (effect.kind === "timer") this.timers.add(effect.timer);
  }

  act(act: Act): void {
    if (act === "hangs up") this.end();
    else if (act === "silence") this.beSilent();
    else if (act === "too long") this.happen({ kind: "timeout", timer: "call" });
    else if (act === "stuck") this.happen({ kind: "timeout", timer: "prompt" });
    else if ("into" in act) this.press(act.into);
    else {
      this.listen();
      this.press(act.keys);
    }
  }

  private press(keys: string): void {
    this.lines.push(`caller  ${[...keys].join(" ")}`);
    for (const digit of keys) this.happen({ kind: "digit", digit });
  }

  /** Hears out what is being said. */
  listen(): void {
    if (this.state.playing) this.happen({ kind: "played" });
  }

  /** Lets the timer that runs beside the call's own fire. */
  private beSilent(): void {
    this.listen();
    const { timer } = this.state;
    if (timer === null) return;
    this.lines.push(`caller  (says nothing: ${timer})`);
    this.happen({ kind: "timeout", timer });
  }

  private end(): void {
    this.lines.push("caller  (hangs up)");
    this.happen({ kind: "hangup" });
  }

  get text(): string {
    return `${this.lines.join("\n")}\n`;
  }
}

function told(result: ReturnType<FakeGate>): string {
  if (result === undefined) return "(no answer)";
  if (result === "down") return "(gone)";
  return result.ok ? "yes" : `no, ${result.why}`;
}

/** Plays a call to its end: what is left to be said is heard out. */
export function call(
  acts: readonly Act[],
  gate: FakeGate,
  { request, sounds: voice = "core" }: { request?: CallbackOrder; sounds?: CallSettings["sounds"] } = {},
): Transcript {
  const transcript = new Transcript(gate, { sounds: voice, recordings: RECORDINGS, patience: PATIENCE });
  transcript.begin(request);
  for (const act of acts) transcript.act(act);
  transcript.listen();
  return transcript;
}
