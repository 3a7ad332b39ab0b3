import { LONGEST_CALL } from "../settings/rules.ts";
import type { User } from "../users/user.ts";

/** A caller whose PIN was right. */
export interface Session {
  readonly user: string;
  /** False until the authenticator's code was right, for users who have one. */
  complete: boolean;
  /** True once it opened an address: a call opens one, and whoever wants another keys the PIN again. */
  spent: boolean;
  /** Uptime ms. */
  readonly until: number;
}

/** The session is unknown, over, not complete, or spent. */
export class NoSession extends Error {}

/** Calls at once are far fewer; the oldest goes. */
const MAX_SESSIONS = 1_000;

/** The calls whose PIN was right. phone-auth has a token of each, and nothing else. */
export class Sessions {
  readonly #byToken = new Map<string, Session>(); // bounded: MAX_SESSIONS

  /** @param token 32 hex digits that were never drawn before @param uptime ms */
  begin(token: string, user: User, uptime: number): void {
    const [oldest] = this.#byToken.keys();
    if (oldest !== undefined && this.#byToken.size >= MAX_SESSIONS) this.#byToken.delete(oldest);
    this.#byToken.set(token, {
      user: user.name,
      complete: user.otp === null,
      spent: false,
      until: uptime + LONGEST_CALL,
    });
  }

  /**
   * Finds a session and its user, as the user is now.
   * @param complete whether the authenticator's code must have been right, or is still to come
   * @throws NoSession
   */
  find(
    token: string,
    users: ReadonlyMap<string, User>,
    uptime: number,
    complete: boolean,
  ): { user: User; held: Session } {
    const held = this.#byToken.get(token);
    const user = held && users.get(held.user);
    if (held === undefined || user === undefined || held.until <= uptime || held.complete !== complete)
      throw new NoSession();
    return { user, held };
  }
}
