import type { PhoneRefusal } from "../../shared/gate/phone-verbs.ts";
import type { Turn } from "./turn.ts";

/** A no of the gate. */
export interface Refused {
  readonly ok: false;
  readonly why: PhoneRefusal;
  /** Seconds until another try makes sense. */
  readonly wait?: number;
}

/** A delay up to this is waited for on the line; the caller of a longer one is asked to call later. Seconds. */
const ON_THE_LINE = 20;

/** The last words when there is nothing the caller can do now. */
export function sorry(turn: Turn, because: string): void {
  turn.close(["unavailable", "goodbye"], because);
}

/** A PIN or one-time code that was not taken. */
export function refuseSecret(turn: Turn, refused: Refused): void {
  const { why, wait = why === "wait" ? Number.POSITIVE_INFINITY : 0 } = refused;
  turn.log("refused", { stage: turn.state.stage.name, why });
  if (why === "session") signInAgain(turn);
  else if (why !== "wrong" && why !== "wait") sorry(turn, why);
  else if (wait > ON_THE_LINE) sorry(turn, "too many wrong entries");
  else turn.miss(["incorrect"], wait);
}

function signInAgain(turn: Turn): void {
  turn.set({ session: null });
  turn.listen({ name: "pin" }, ["try_again"]);
}

/** What the caller can put right by keying something else. */
const KEYED_WRONG: readonly PhoneRefusal[] = ["wrong", "unknown", "ambiguous", "address"];

/** Anything else that was not done. */
export function refuse(turn: Turn, { why }: Refused): void {
  turn.log("refused", { stage: turn.state.stage.name, why });
  if (why === "session") signInAgain(turn);
  else if (!KEYED_WRONG.includes(why) || turn.state.request !== null) sorry(turn, why);
  else {
    turn.set({ stage: { name: "menu" } });
    turn.miss();
  }
}
