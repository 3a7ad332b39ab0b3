import type { Caller } from "../shared/gate/phone-verbs.ts";
import type { AriLink, Arrival } from "./link/link.ts";

/**
 * Which dialplan functions tell of a channel's own endpoint, by technology: the context it is configured for, and
 * (where Asterisk can say so) whether it must log in. See docs/decisions/0007-the-internal-lane.md.
 */
const EVIDENCE: Readonly<Record<string, (name: string) => { context: string; login?: string }>> = {
  PJSIP: (name) => ({ context: `PJSIP_ENDPOINT(${name},context)`, login: `PJSIP_ENDPOINT(${name},auth)` }),
  SIP: (name) => ({ context: `SIPPEER(${name},context)` }),
  IAX2: (name) => ({ context: `IAXPEER(${name},context)` }),
};

/**
 * Finds out who calls. `internal` are the PBX's own phones: endpoints configured for the context in `[phone]
 * context`, and that log in. Asked of Asterisk by the channel's endpoint; neither caller ID nor the dialplan's way to
 * us (a trunk's call may be sent into any context) is evidence. In doubt, also when Asterisk gives no answer: external.
 * @param context `[phone] context`
 * @param number whom we rang, when it was us; else the caller ID is taken
 */
export async function callerOf(
  link: AriLink,
  arrival: Arrival,
  context: string,
  number?: string,
): Promise<Caller> {
  const internal = await isInternal(link, arrival, context);
  return {
    lane: internal ? "internal" : "external",
    endpoint: arrival.endpoint.replaceAll(/[^A-Za-z0-9_.+@:/-]/g, "_").slice(0, 80) || "unknown",
    number: number ?? plainNumber(arrival.number),
  };
}

async function isInternal(link: AriLink, arrival: Arrival, context: string): Promise<boolean> {
  const [technology = "", name = ""] = arrival.endpoint.split("/");
  const evidence = /^[A-Za-z0-9_.+-]{1,79}$/.test(name) ? EVIDENCE[technology]?.(name) : undefined;
  if (evidence === undefined) return false;
  const [own, login] = await Promise.all([
    ask(link, arrival, evidence.context),
    evidence.login === undefined ? "unknown" : ask(link, arrival, evidence.login),
  ]);
  return own === context && login !== "";
}

async function ask(link: AriLink, { channel }: Arrival, name: string): Promise<string> {
  const answer = await link.variable(channel, name);
  return answer.ok ? answer.value : "";
}

/** @returns digits with at most a leading `+`, blanks and dashes taken out; null for anything else, also withheld */
function plainNumber(callerId: string): string | null {
  const digits = callerId.replaceAll(/[ ().-]/g, "");
  return /^\+?\d{1,32}$/.test(digits) ? digits : null;
}
