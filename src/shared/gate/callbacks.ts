import { countCallback, holdCallbacks, refuse } from "../access/approvals.ts";
import type { GateEvent } from "../access/event.ts";
import type { Gate } from "../access/gate.ts";
import type { Pending } from "../access/grant.ts";
import { pendingOf } from "../access/pending.ts";
import { seconds } from "../duration.ts";
import type { CallbackOrder, CallEnd } from "./phone-verbs.ts";

/** A connection of phone-auth, as an answer sees it that goes on after it was given. */
export interface Asker {
  tell(order: CallbackOrder): void;
  onClose(callback: () => void): void;
}

/** A call-back that was ordered and is not over. */
interface UnderWay {
  /** The request it is for. */
  readonly id: string;
  /** Uptime ms: by then it is over, whether or not phone-auth says so. */
  readonly until: number;
}

/** What ringing and talking may take longer than the settings say: Asterisk rounds up, and the last words are spoken. */
const SLACK = seconds(30);

/**
 * Who is called back: the gate's side of it. A knock that needs a call orders one from phone-auth, one at a time a user;
 * what becomes of it is in the history.
 */
export class Callbacks {
  readonly #gate: Gate;
  readonly #listeners = new Set<Asker>(); // bounded: connections of the phone socket
  /** By user. bounded: one a user */
  readonly #underWay = new Map<string, UnderWay>();

  constructor(gate: Gate) {
    this.#gate = gate;
    gate.subscribe((event) => void this.#onEvent(event));
  }

  /** Tells somebody of call-backs from now on. When the last listener is gone, so are the calls it was to place. */
  listen(listener: Asker): void {
    this.#listeners.add(listener);
    listener.onClose(() => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      for (const { id } of [...this.#underWay.values()])
        void this.over(id, "link lost").catch(() => undefined);
    });
  }

  /**
   * The person called says no: the request is denied, and he is not called for an hour. Whoever has his phone in hand
   * may say so without a PIN, since it opens nothing.
   * @returns false when nobody is being called for that request
   * @throws Refusal when the request is over
   */
  async deny(id: string): Promise<boolean> {
    const user = this.#calledFor(id);
    if (user === undefined) return false;
    await this.#gate.run((state, tx) => {
      refuse(state, tx, id, "phone");
      holdCallbacks(tx, user);
    });
    return true;
  }

  /** A call-back is over; one whose request still waits has failed. @returns false when none was under way for it */
  async over(id: string, end: CallEnd): Promise<boolean> {
    const user = this.#calledFor(id);
    if (user === undefined) return false;
    this.#underWay.delete(user);
    const request = pendingOf(this.#gate.state, user, this.#uptime).find((one) => one.id === id);
    if (request !== undefined)
      await this.#failed(request, end === "answered" ? "answered, and not approved" : end);
    return true;
  }

  #calledFor(id: string): string | undefined {
    const [user, call] = [...this.#underWay].find(([, one]) => one.id === id) ?? [];
    return call !== undefined && call.until > this.#uptime ? user : undefined;
  }

  /** A knock asked for an approval: its user is called back, where that is how he approves. */
  async #onEvent({ event, user: name, address }: GateEvent): Promise<void> {
    const user = event === "asked" && name !== null ? this.#gate.state.users.get(name) : undefined;
    if (user?.approval !== "call" || user.phone === null) return;
    const requests = pendingOf(this.#gate.state, user.name, this.#uptime);
    const request = requests.find((one) => one.address === address);
    if (request === undefined) return;
    try {
      const why = await this.#place(request, user.phone);
      if (why !== undefined) await this.#failed(request, `not placed: ${why}`);
    } catch (error) {
      this.#gate.parts.log.error("a call-back was not placed", { user: user.name, message: String(error) });
    }
  }

  /** Orders a call. @returns why not */
  async #place(request: Pending, number: string): Promise<string | undefined> {
    const { user, id, code } = request;
    if (this.#listeners.size === 0) return "no phone is connected";
    if ((this.#underWay.get(user)?.until ?? 0) > this.#uptime) return "one call at a time";
    const { ring, longestCall } = this.#gate.state.settings.phone;
    // before the count, which waits: one call at a time
    this.#underWay.set(user, { id, until: this.#uptime + ring + longestCall + SLACK });
    let why: string | undefined = "the store failed";
    try {
      why = await this.#gate.run((state, tx) => countCallback(state, tx, request));
    } finally {
      if (why !== undefined) this.#underWay.delete(user);
    }
    const left = Math.round((request.ends - this.#uptime) / 1000);
    if (why === undefined) for (const listener of this.#listeners) listener.tell({ id, number, code, left });
    return why;
  }

  async #failed({ user, address }: Pending, reason: string): Promise<void> {
    this.#gate.parts.log.warn("a call-back failed", { user, address, reason });
    await this.#gate.run((_state, tx) => tx.note("call-failed", { user, address, by: "phone", reason }));
  }

  get #uptime(): number {
    return this.#gate.parts.clock().uptime;
  }
}
