import type { Gate } from "../../access/gate.ts";
import { freshOtpSecret, otpUri } from "../../users/otp.ts";
import { drawPin, PIN_LENGTH, pinProblem, shortestPin } from "../../users/pin.ts";
import type { Secrets } from "../../users/secrets.ts";
import { wishedProof } from "../../users/wishes.ts";
import { Refusal, type UserWishes } from "../verbs.ts";
import type { ShownOnce } from "../views.ts";

/** What to store, and what to show once. */
export interface NewSecrets {
  readonly secrets: Secrets;
  readonly once: ShownOnce;
}

/**
 * Draws or checks the secrets that an admin asks for. A user of the proof `otp` gets an authenticator without asking.
 * @throws Refusal for a PIN that must not be used
 */
export async function newSecrets(
  gate: Gate,
  name: string,
  wishes: Pick<UserWishes, "pin" | "otp" | "proof" | "ssh_keys" | "phone">,
): Promise<NewSecrets> {
  const user = gate.state.users.get(name);
  const proof = wishedProof(wishes, user?.proof ?? "otp");
  const otp = wishes.otp === undefined && proof === "otp" && !user?.otp ? true : wishes.otp;
  const pin = await newPin(gate, wishes.pin, wishes.phone ?? user?.phone ?? null);
  const secret = otp === true ? freshOtpSecret() : undefined;
  return {
    secrets: {
      ...(pin !== undefined && { pin: pin?.fingerprint ?? null }),
      ...(secret !== undefined && { otp: gate.parts.vault.seal(secret) }),
      ...(otp === null && { otp: null }),
    },
    once: {
      ...(pin && { pin: pin.digits }),
      ...(secret !== undefined && { otp_uri: otpUri(gate.state.settings.server.name, name, secret) }),
    },
  };
}

async function newPin(
  gate: Gate,
  wish: UserWishes["pin"],
  phone: string | null,
): Promise<{ digits: string; fingerprint: string } | null | undefined> {
  if (wish === undefined || wish === null) return wish;
  const users = gate.state.users.size + 1;
  if (wish !== true) {
    const problem = pinProblem(wish, users, phone);
    if (problem !== undefined)
      throw new Refusal(
        "refused",
        `this PIN is not good enough: ${problem}`,
        "choose another, or let one be drawn: --pin",
      );
    return { digits: wish, fingerprint: await gate.parts.vault.fingerprint(wish) };
  }
  const { random } = await gate.parts.draw();
  for (;;) {
    const digits = drawPin(Math.max(PIN_LENGTH, shortestPin(users)), random);
    const fingerprint = await gate.parts.vault.fingerprint(digits);
    if (![...gate.state.users.values()].some(({ pin }) => pin === fingerprint))
      return { digits, fingerprint };
  }
}
