import type { CallbackOrder, PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import { collect, startOver } from "./entry.ts";
import { refuseSecret, sorry } from "./refusals.ts";
import { LIMITS } from "./state.ts";
import type { Turn } from "./turn.ts";

/** PIN and one-time code are keyed alike: star starts over, pound ends. */
function keySecret(turn: Turn, key: string, ended: (entry: string) => void): void {
  const { entry } = turn.state;
  if (key === "*") startOver(turn);
  else if (key !== "#") collect(turn, key);
  else if (entry !== "") {
    turn.interrupt();
    // too long to be one: not worth a question, and no longer what was keyed
    if (entry.length >= LIMITS.entry) turn.miss();
    else ended(entry);
  }
}

/** A key while the PIN is asked; on a call-back `9#` denies, which no PIN is short enough to be. */
export function keyPin(turn: Turn, key: string): void {
  keySecret(turn, key, (pin) => {
    const { caller, request } = turn.state;
    if (pin === "9" && request !== null) deny(turn, request);
    else turn.ask("verify_pin", { pin, caller, ...(request === null ? {} : { request: request.id }) });
  });
}

/** A key while the authenticator's code is asked. */
export function keyAuthenticator(turn: Turn, key: string): void {
  keySecret(turn, key, (code) => turn.ask("verify_otp", { session: turn.state.session ?? "", code }));
}

/** The person called says no: nothing more is asked of him. */
export function deny(turn: Turn, { id }: CallbackOrder): void {
  turn.log("request denied by the person called");
  turn.interrupt();
  turn.ask("deny", { id });
}

/** The gate's word on the PIN. */
export function pinAnswered(turn: Turn, result: PhoneVerbs["verify_pin"]["result"]): void {
  if (!result.ok) refuseSecret(turn, result);
  else {
    turn.log("PIN accepted");
    turn.set({ session: result.session });
    if (result.otp) turn.goOn({ name: "authenticator" });
    else signedIn(turn);
  }
}

/** The gate's word on the one-time code. */
export function authenticatorAnswered(turn: Turn, result: PhoneVerbs["verify_otp"]["result"]): void {
  if (!result.ok) refuseSecret(turn, result);
  else {
    turn.log("authenticator code accepted");
    signedIn(turn);
  }
}

/** The gate's word on a denial. */
export function denyAnswered(turn: Turn, result: PhoneVerbs["deny"]["result"]): void {
  if (!result.ok) sorry(turn, result.why);
  else turn.close(["held", "goodbye"], "denied");
}

/** Who it is, is known. On a call-back the right PIN was the consent, when the code heard stood on the laptop. */
function signedIn(turn: Turn): void {
  const { request } = turn.state;
  const session = turn.state.session ?? "";
  if (request !== null && request.code !== null) turn.ask("approve", { session, id: request.id });
  else turn.ask("pending", { session });
}
