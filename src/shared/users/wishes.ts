import { checkApproval } from "../access/approvals.ts";
import type { GateState } from "../access/state.ts";
import { type Duration, formatDuration, seconds } from "../duration.ts";
import { Refusal, type UserWishes } from "../gate/verbs.ts";
import type { ProofName } from "../gate/views.ts";
import { describeRefusal, parseKeyFile } from "../ssh/key-line.ts";
import { type Secrets, withSecrets } from "./secrets.ts";
import { isPhoneNumber, type Step, type User } from "./user.ts";

/** Checks what an admin wishes of a user, and gives the user as he then is. @throws Refusal */
export function withWishes(state: GateState, before: User, wishes: UserWishes, secrets: Secrets): User {
  checkServices(state, wishes.services);
  for (const number of [wishes.phone, ...(wishes.callers ?? [])]) checkNumber(number);
  const user: User = {
    ...withSecrets(state, before, secrets),
    proof: wishedProof(wishes, before.proof),
    sshKeys: wishedKeys(wishes.ssh_keys, before.sshKeys),
    services: inOrder(state, wishes.services ?? before.services),
    ttl: span(wishes.ttl, before.ttl),
    maxTtl: span(wishes.max_ttl, before.maxTtl),
    approval: wishes.approval ?? before.approval,
    enabled: wishes.enabled ?? before.enabled,
    expires: wishes.expires === undefined ? before.expires : moment(wishes.expires),
    phone: wishes.phone === undefined ? before.phone : wishes.phone,
    callers: [...new Set(wishes.callers ?? before.callers)],
  };
  checkProof(user, wishes.steps ?? user.steps.map(({ proto }) => proto));
  checkTimes(state, user);
  checkApproval(user.approval, user.pin, user.phone);
  return user;
}

/** @returns the proof that is asked for; who gives a key without a word about the proof asks for `ssh` */
export function wishedProof(
  { proof, ssh_keys }: Pick<UserWishes, "proof" | "ssh_keys">,
  before: ProofName,
): ProofName {
  return proof ?? (typeof ssh_keys === "string" ? "ssh" : before);
}

/**
 * @returns the services without doubles, in the order of the settings: one list for one door, however it was written. Those
 * that the settings do not know any more come last
 */
export function inOrder({ settings }: GateState, names: readonly string[]): string[] {
  const known = settings.policy.services.map(({ name }) => name);
  const wanted = new Set(names);
  return [...known.filter((name) => wanted.delete(name)), ...wanted];
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

/** Reads a file of keys; it is taken whole or not at all. @throws Refusal */
function wishedKeys(file: string | null | undefined, before: readonly string[]): readonly string[] {
  if (file === undefined) return before;
  if (file === null) return [];
  const cure = "give a .pub file, or lines of authorized_keys";
  const { keys, refused } = parseKeyFile(file);
  if (refused[0] !== undefined) throw new Refusal("refused", `ssh key: ${describeRefusal(refused[0])}`, cure);
  if (keys.length === 0) throw new Refusal("usage", "ssh key: there is none in it", cure);
  return keys.map(({ line }) => line);
}

/** @param steps as they will be: those of a new user are not drawn yet */
function checkProof({ proof, otp, sshKeys }: User, steps: readonly Step["proto"][]): void {
  if (proof !== "none" && steps.at(-1) === "tcp")
    throw new Refusal(
      "refused",
      `the proof ${proof} goes into a datagram, and the last step is tcp`,
      "let the last step be udp, or say --proof none",
    );
  if (proof === "ssh" && sshKeys.length === 0)
    throw new Refusal(
      "refused",
      "the proof ssh needs a public key",
      "add --ssh-key FILE (`-` reads standard input), or say --proof otp",
    );
  if (proof === "otp" && otp === null)
    throw new Refusal(
      "refused",
      "the proof otp needs an authenticator",
      "add --otp (a secret is drawn and shown once)",
    );
}

function checkTimes(state: GateState, { ttl, maxTtl }: User): void {
  const longest = Math.min(maxTtl ?? Number.POSITIVE_INFINITY, state.settings.access.maxTtl);
  if (ttl === null || ttl <= longest) return;
  throw new Refusal(
    "refused",
    `ttl ${formatDuration(ttl)} is longer than the longest allowed, ${formatDuration(longest as Duration)}`,
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
