import { checkApproval } from "../access/approvals.ts";
import type { GateState } from "../access/state.ts";
import { type Duration, seconds } from "../duration.ts";
import { Refusal, type UserWishes } from "../gate/verbs.ts";
import { type Secrets, withSecrets } from "./secrets.ts";
import { isPhoneNumber, type User } from "./user.ts";

/** Checks what an admin wishes of a user, and gives the user as he then is. @throws Refusal */
export function withWishes(state: GateState, before: User, wishes: UserWishes, secrets: Secrets): User {
  checkServices(state, wishes.services);
  for (const number of [wishes.phone, ...(wishes.callers ?? [])]) checkNumber(number);
  const user: User = {
    ...withSecrets(state, before, secrets),
    proof: wishes.proof ?? before.proof,
    services: wishes.services ?? before.services,
    ttl: span(wishes.ttl, before.ttl),
    maxTtl: span(wishes.max_ttl, before.maxTtl),
    approval: wishes.approval ?? before.approval,
    enabled: wishes.enabled ?? before.enabled,
    expires: wishes.expires === undefined ? before.expires : moment(wishes.expires),
    phone: wishes.phone === undefined ? before.phone : wishes.phone,
    callers: wishes.callers ?? before.callers,
  };
  checkProof(user);
  checkTimes(state, user);
  checkApproval(user.approval, user.pin, user.phone);
  return user;
}

/** @throws Refusal naming the services that exist */
export function checkServices({ settings }: GateState, names: readonly string[] | undefined): void {
  const known = settings.policy.services.map(({ name }) => name);
  const unknown = names?.filter((name) => !known.includes(name)) ?? [];
  if (names === undefined || (unknown.length === 0 && names.length > 0)) return;
  throw new Refusal(
    "usage",
    `no such service: ${unknown.join(", ") || "(none named)"}`,
    `configured are: ${known.join(", ")}`,
  );
}

function checkProof(user: User): void {
  if (user.proof === "ssh") {
    throw new Refusal(
      "refused",
      "this version does not know the proof ssh yet",
      "use --proof otp, or --proof none",
    );
  }
  if (user.proof === "otp" && user.otp === null) {
    throw new Refusal(
      "refused",
      "the proof otp needs an authenticator",
      "add --otp (a secret is drawn and shown once)",
    );
  }
}

function checkTimes(state: GateState, { ttl, maxTtl }: User): void {
  const longest = Math.min(maxTtl ?? Number.POSITIVE_INFINITY, state.settings.access.maxTtl);
  if (ttl === null || ttl <= longest) return;
  throw new Refusal(
    "refused",
    "ttl is longer than the longest allowed",
    "raise --max-ttl, or [access] max_ttl in the settings",
  );
}

function checkNumber(number: string | null | undefined): void {
  if (number === undefined || number === null || isPhoneNumber(number)) return;
  throw new Refusal(
    "usage",
    `"${number}" is no phone number`,
    "digits, a leading +, and * # for internal codes",
  );
}

function moment(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

function span(wish: number | null | undefined, was: Duration | null): Duration | null {
  return wish === undefined ? was : wish === null ? null : seconds(wish);
}
