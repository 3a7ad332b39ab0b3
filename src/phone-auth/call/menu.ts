import type { PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import { collect, readEntry } from "./entry.ts";
import { refuse } from "./refusals.ts";
import { numberWords, openLine } from "./speech.ts";
import type { Turn } from "./turn.ts";

/** Commands: a star and a digit, at the beginning. An address never begins with a star, so they act at once. */
const COMMANDS: Readonly<Record<string, (turn: Turn, session: string) => void>> = {
  "*9": (turn, session) => turn.ask("last", { session }),
  "*3": (turn, session) => turn.ask("close_all", { session }),
  "*5": (turn, session) => turn.ask("status", { session }),
  "*0": (turn) => turn.listen({ name: "menu" }),
};

/** A key at the one prompt that takes codes, addresses and commands. */
export function keyMenu(turn: Turn, key: string): void {
  const { entry } = turn.state;
  if (entry === "*") command(turn, entry + key);
  else if (key !== "#") collect(turn, key);
  else if (entry !== "") finish(turn, entry);
}

function command(turn: Turn, keys: string): void {
  turn.interrupt();
  const act = COMMANDS[keys];
  if (act === undefined) turn.miss();
  else act(turn, turn.state.session ?? "");
}

function finish(turn: Turn, keys: string): void {
  turn.interrupt();
  const session = turn.state.session ?? "";
  const entry = readEntry(keys);
  if (entry.kind === "code") turn.ask("approve", { session, code: entry.code });
  else if (entry.kind === "address")
    turn.ask("grant_address", { session, address: entry.address, dry: true });
  else turn.miss();
}

/** The address this user opened last; it is read back as if it had been keyed. */
export function lastAnswered(turn: Turn, result: PhoneVerbs["last"]["result"]): void {
  if (!result.ok) refuse(turn, result);
  else if (result.address === null) turn.listen({ name: "menu" }, ["no_last_address"]);
  else turn.listen({ name: "confirm", offer: { kind: "address", address: result.address, last: true } });
}

/** All of this user's was closed. */
export function closedAnswered(turn: Turn, result: PhoneVerbs["close_all"]["result"]): void {
  if (result.ok) sayClosed(turn, result.closed);
  else refuse(turn, result);
}

function sayClosed(turn: Turn, count: number): void {
  turn.log("closed all");
  turn.listen({ name: "menu" }, count === 0 ? ["nothing_open"] : [...numberWords(count), "closed"]);
}

/** What is open for this user. */
export function statusAnswered(turn: Turn, result: PhoneVerbs["status"]["result"]): void {
  if (result.ok) turn.listen({ name: "menu" }, openLine(result.open));
  else refuse(turn, result);
}
