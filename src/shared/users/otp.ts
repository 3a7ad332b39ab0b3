import { generateSecret, generateURI, verifySync } from "otplib";

/** One step of the code, seconds (RFC 6238). */
const PERIOD = 30;

/** @returns a fresh authenticator secret, base32, 160 bits (RFC 4226 section 4) */
export function freshOtpSecret(): string {
  return generateSecret();
}

/** @returns the otpauth URI that authenticator apps read */
export function otpUri(server: string, user: string, secret: string): string {
  return generateURI({ issuer: `knockline ${server}`, label: user, secret });
}

/**
 * Checks a code against the steps before, at and after a moment.
 * @param now wall clock ms
 * @param after the last step that was used: this one and all before it are worth nothing
 * @returns the step of the code; undefined when it is wrong, used, or no six digits
 */
export function otpStep(
  secret: string,
  code: string,
  now: number,
  after: number | undefined,
): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const verdict = verifySync({ secret, token: code, epoch: Math.floor(now / 1000), epochTolerance: PERIOD });
  if (!verdict.valid) return undefined;
  const { timeStep } = verdict as { timeStep: number };
  return after !== undefined && timeStep <= after ? undefined : timeStep;
}

/**
 * The last step whose code could be taken at a moment: what a restored backup must count as used, for it does not know
 * the codes since. @param now wall clock ms
 */
export function lastStepInTime(now: number): number {
  return Math.floor(now / 1000 / PERIOD) + 1;
}
