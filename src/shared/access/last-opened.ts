import type { Address } from "../address.ts";
import { type Duration, days } from "../duration.ts";
import type { Store } from "../store/store.ts";
import type { GateEvent } from "./event.ts";
import { readHistory } from "./history.ts";

/** For so long a call may ask for an address again. */
const REMEMBERED = days(30);

interface Opening {
  readonly address: Address;
  /** Wall clock ms. */
  readonly at: number;
}

/**
 * The address that each user's door was last open for. phone-auth may ask for it as often as it likes, and the history takes
 * tens of milliseconds to read: it is read once, and what happens from then on is seen here.
 */
export class LastOpened {
  // bounded: one entry a user that ever was
  readonly #byUser = new Map<string, Opening>();
  #past: Promise<void> | undefined;

  /** Takes an event into account. @returns what takes that back; undefined: it opened no user's door, or an older one */
  see({ event, user, address, at }: GateEvent): (() => void) | undefined {
    if ((event !== "opened" && event !== "renewed") || user === null || address === null) return undefined;
    const before = this.#byUser.get(user);
    if (before !== undefined && before.at > at) return undefined;
    this.#byUser.set(user, { address, at });
    return () => void (before === undefined ? this.#byUser.delete(user) : this.#byUser.set(user, before));
  }

  /** The history is another than it was: it is read anew when next somebody asks. */
  forgetPast(): void {
    this.#past = undefined;
  }

  /**
   * Says a user's last address.
   * @param now wall clock ms
   * @param keep how long the history is kept: nothing is said that is not in it any more
   * @returns null when there is none, or it is older than 30 days
   * @throws StoreError
   */
  async of(user: string, store: Store, now: number, keep: Duration): Promise<Address | null> {
    this.#past ??= this.#read(store, now);
    await this.#past;
    const last = this.#byUser.get(user);
    return last === undefined || now - last.at > Math.min(REMEMBERED, keep) ? null : last.address;
  }

  async #read(store: Store, now: number): Promise<void> {
    try {
      for (const event of await readHistory(store, { since: now - REMEMBERED })) this.see(event);
    } catch (error) {
      this.#past = undefined;
      throw error;
    }
  }
}
