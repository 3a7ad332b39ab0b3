import type { PendingView, PhoneGrant, PhoneVerbs } from "../../shared/gate/phone-verbs.ts";
import { refuse, sorry } from "./refusals.ts";
import { deny } from "./sign-in.ts";
import { activated, type Line } from "./speech.ts";
import type { Offer } from "./state.ts";
import type { Turn } from "./turn.ts";

/** A key while an address or a request is read out. Any but these is no answer, and does not interrupt. */
export function keyConfirm(turn: Turn, key: string, offer: Offer): void {
  const { request } = turn.state;
  if (key !== "1" && key !== "2" && !(key === "9" && request !== null)) return;
  turn.interrupt();
  turn.set({ silences: 0 });
  const session = turn.state.session ?? "";
  if (key === "9" && request !== null) deny(turn, request);
  else if (key === "2") decline(turn, offer);
  else if (offer.kind === "address") turn.ask("grant_address", { session, address: offer.address });
  else turn.ask("approve", { session, id: offer.request.id });
}

function decline(turn: Turn, offer: Offer): void {
  if (offer.kind === "request") next(turn, offer.rest);
  else turn.listen({ name: "menu" });
}

/** Offers the next request, or what is left to do when there is none. */
function next(turn: Turn, rest: readonly PendingView[]): void {
  if (rest.length > 0) offerRequests(turn, rest);
  else if (turn.state.request !== null) turn.close(["goodbye"], "not wanted");
  else turn.listen({ name: "menu" });
}

function offerRequests(turn: Turn, [request, ...rest]: readonly PendingView[], words: Line = []): void {
  if (request !== undefined)
    turn.listen({ name: "confirm", offer: { kind: "request", request, rest } }, words);
}

/**
 * The gate's list of pending requests. Read out are: on a call-back the one it is for; at the menu, where a code was
 * keyed that several requests carry, those with a code; after the PIN those without.
 */
export function pendingAnswered(turn: Turn, result: PhoneVerbs["pending"]["result"]): void {
  if (!result.ok) refuse(turn, result);
  else offerMeant(turn, result.requests);
}

function offerMeant(turn: Turn, requests: readonly PendingView[]): void {
  const { request, stage } = turn.state;
  const atMenu = stage.name === "menu";
  const meant = requests.filter(({ id, coded }) => (request === null ? coded === atMenu : id === request.id));
  if (meant.length > 0) offerRequests(turn, meant);
  else if (request !== null) sorry(turn, "the request is no more");
  else if (atMenu) turn.miss();
  else turn.goOn({ name: "menu" });
}

/** Something was opened, or not. */
export function opened(turn: Turn, result: PhoneVerbs["approve"]["result"]): void {
  const { stage, session } = turn.state;
  if (result.ok) sayOpened(turn, result);
  // at the menu only a keyed code can be ambiguous
  else if (result.why === "ambiguous" && stage.name === "menu")
    turn.ask("pending", { session: session ?? "" });
  else refuse(turn, result);
}

function sayOpened(turn: Turn, grant: PhoneGrant): void {
  const { stage } = turn.state;
  turn.log("opened");
  const rest = stage.name === "confirm" && stage.offer.kind === "request" ? stage.offer.rest : [];
  if (rest.length > 0) offerRequests(turn, rest, activated(grant));
  else turn.close([...activated(grant), "thank_you", "goodbye"], "opened");
}

/** The gate's word on an address: before the read-back only whether it may be, after it what was opened. */
export function addressAnswered(turn: Turn, result: PhoneVerbs["grant_address"]["result"]): void {
  if (turn.state.stage.name === "confirm") opened(turn, result);
  else if (!result.ok) refuse(turn, result);
  else turn.listen({ name: "confirm", offer: { kind: "address", address: result.address, last: false } });
}
