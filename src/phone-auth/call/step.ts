import type { PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import type { AskedVerb, CallEvent, CallSettings, GateAnswer, Timer } from "./call.ts";
import { addressAnswered, keyConfirm, opened, pendingAnswered } from "./confirm.ts";
import { startOver } from "./entry.ts";
import { closedAnswered, keyMenu, lastAnswered, statusAnswered } from "./menu.ts";
import { sorry } from "./refusals.ts";
import {
  authenticatorAnswered,
  deny,
  denyAnswered,
  keyAuthenticator,
  keyPin,
  pinAnswered,
} from "./sign-in.ts";
import { type CallState, LIMITS, type Stage } from "./state.ts";
import { type Step, Turn } from "./turn.ts";

/**
 * What a call does next: pure, and the only way to change a call. Begin with NEW_CALL and a `start`; after `hang_up`,
 * or a `hangup`, nothing follows any more.
 */
export function step(state: CallState, event: CallEvent, settings: CallSettings): Step {
  if (state.stage.name === "ended") return { state, effects: [] };
  const turn = new Turn(state, settings);
  happen(turn, event);
  keyAhead(turn);
  return turn.done();
}

function happen(turn: Turn, event: CallEvent): void {
  const begun = turn.state.stage.name !== "new";
  if (event.kind === "hangup") turn.end();
  else if (event.kind === "start" && !begun) begin(turn, event);
  else if (event.kind !== "start" && begun) goOn(turn, event);
}

function goOn(turn: Turn, event: Exclude<CallEvent, { kind: "start" | "hangup" }>): void {
  if (event.kind === "digit") digit(turn, event.digit);
  else if (event.kind === "played") played(turn);
  else if (event.kind === "timeout") timedOut(turn, event.timer);
  else if (event.kind === "answer") answered(turn, event);
  else gateGone(turn, "the gate cannot be reached");
}

function begin(turn: Turn, { caller, request = undefined }: Extract<CallEvent, { kind: "start" }>): void {
  turn.set({ caller, request: request ?? null });
  if (request === undefined) turn.answer();
  turn.log("call begins", { lane: caller.lane, by: request === undefined ? "caller" : "us" });
  turn.limitCall();
  turn.listen({ name: "pin" });
}

/** One key: counted, then kept for later or given to the question that is asked. */
function digit(turn: Turn, key: string): void {
  const { stage, ahead, keys } = turn.state;
  if (!/^[0-9*#]$/.test(key) || stage.name === "goodbye") return;
  turn.set({ keys: keys + 1 });
  if (keys >= LIMITS.keys) turn.close(["goodbye"], "too many keys");
  else if (turn.listening) keyed(turn, key);
  else turn.set({ ahead: (ahead + key).slice(0, LIMITS.ahead) });
}

function keyed(turn: Turn, key: string): void {
  const { stage } = turn.state;
  if (stage.name === "pin") keyPin(turn, key);
  else if (stage.name === "authenticator") keyAuthenticator(turn, key);
  else if (stage.name === "menu") keyMenu(turn, key);
  else if (stage.name === "confirm") keyConfirm(turn, key, stage.offer);
}

/** Gives keys that were pressed too early to the question that now listens. */
function keyAhead(turn: Turn): void {
  while (turn.listening && turn.state.ahead !== "") {
    const [key = "", ...later] = turn.state.ahead;
    turn.set({ ahead: later.join("") });
    keyed(turn, key);
  }
}

function played(turn: Turn): void {
  if (!turn.state.playing) return;
  turn.set({ playing: false });
  if (turn.state.stage.name === "goodbye") turn.hangUp();
  else if (turn.listening) turn.awaitKey("first_digit");
}

/** The person called who keys a lone 9 and waits has also said no. */
const isDenial = ({ stage, entry }: CallState): boolean => stage.name === "pin" && entry === "9";

function timedOut(turn: Turn, timer: Timer): void {
  const { stage, timer: running } = turn.state;
  if (timer === "call") tooLong(turn);
  else if (timer === running) TIMED_OUT[timer](turn, stage);
  // else it fired while it was being set anew
}

const TIMED_OUT: Record<Exclude<Timer, "call">, (turn: Turn, stage: Stage) => void> = {
  first_digit: silent,
  between_digits: (turn) => {
    const { request } = turn.state;
    if (request !== null && isDenial(turn.state)) deny(turn, request);
    else turn.miss(["try_again"]);
  },
  prompt: (turn, stage) => {
    if (stage.name === "goodbye") turn.hangUp();
    else startOver(turn);
  },
  answer: (turn) => gateGone(turn, "the gate did not answer"),
  pause: (turn, stage) => turn.listen(stage, ["incorrect"]),
};

function tooLong(turn: Turn): void {
  if (turn.state.stage.name === "goodbye") turn.hangUp();
  else turn.close(["goodbye"], "the call took too long");
}

function gateGone(turn: Turn, because: string): void {
  if (turn.state.stage.name !== "goodbye") sorry(turn, because);
}

/** Asked and not answered: asks once more, then gives up. */
function silent(turn: Turn): void {
  const silences = turn.state.silences + 1;
  turn.set({ silences });
  if (silences >= LIMITS.silences) turn.close(["goodbye"], "silence");
  else turn.listen(turn.state.stage);
}

type Answers = { [V in AskedVerb]: (turn: Turn, result: PhoneVerbs[V]["result"]) => void };

const ANSWERS: Answers = {
  verify_pin: pinAnswered,
  verify_otp: authenticatorAnswered,
  pending: pendingAnswered,
  approve: opened,
  grant_address: addressAnswered,
  last: lastAnswered,
  close_all: closedAnswered,
  status: statusAnswered,
  deny: denyAnswered,
};

/** Answers to other questions than the last are late: nobody waits for them. */
function answered(turn: Turn, { verb, result }: GateAnswer): void {
  if (verb !== turn.state.busy) return;
  turn.set({ busy: null });
  // verb and result belong together in GateAnswer, which the compiler forgets once they are two variables
  (ANSWERS[verb] as (turn: Turn, result: GateAnswer["result"]) => void)(turn, result);
}
