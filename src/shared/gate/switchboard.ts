import { timingSafeEqual } from "node:crypto";
import { approve, checkTyped, pendingByCode } from "../access/approvals.ts";
import { revoke } from "../access/closing.ts";
import { Denied } from "../access/denial.ts";
import type { Gate } from "../access/gate.ts";
import { type Grant, isLive, type Pending } from "../access/grant.ts";
import { knownUser, open } from "../access/grants.ts";
import { consumeOtp, countOtp } from "../access/one-time.ts";
import { pendingOf } from "../access/pending.ts";
import { countPin, rightPin } from "../access/pin-tries.ts";
import { parseAddress } from "../address.ts";
import type { User } from "../users/user.ts";
import { type Asker, Callbacks } from "./callbacks.ts";
import type { PhoneRequest } from "./decode/phone-request.ts";
import type { Caller, PhoneGrant, PhoneRefusal, PhoneVerb, PhoneVerbs } from "./phone-verbs.ts";
import { NoSession, type Session, Sessions } from "./sessions.ts";
import { Refusal, type RefusalCode } from "./verbs.ts";

type Answers = {
  [V in PhoneVerb]: (args: PhoneVerbs[V]["args"], asker: Asker) => Promise<PhoneVerbs[V]["result"]>;
};

/**
 * The gate's side of the phone: checks PINs and codes, and does for a session what its user may. phone-auth holds
 * nothing but the session; every rule is kept here.
 */
export class Switchboard {
  readonly #gate: Gate;
  readonly #freshToken: () => string;
  readonly #sessions = new Sessions();
  /** Connections that tell how the link is. */
  readonly #speakers = new WeakSet<Asker>();
  readonly #callbacks: Callbacks;
  #silentSince: number | undefined;

  /** @param freshToken draws 32 hex digits */
  constructor(gate: Gate, freshToken: () => string) {
    this.#gate = gate;
    this.#freshToken = freshToken;
    this.#callbacks = new Callbacks(gate);
    this.#silentSince = this.#uptime;
  }

  /** Uptime ms since when nobody speaks for the phone; undefined while somebody does. */
  get silentSince(): number | undefined {
    return this.#silentSince;
  }

  /** Answers one question. A no is an answer too, and so is what went wrong (`broken`, and a line in the log): never throws. */
  async answer({ verb, args }: PhoneRequest, asker: Asker): Promise<unknown> {
    const answers: Answers = this.#answers;
    try {
      return await answers[verb](args as never, asker);
    } catch (error) {
      return { ok: false, why: this.#why(error) };
    }
  }

  readonly #answers: Answers = {
    verify_pin: async ({ pin, caller, request }) => this.#verifyPin(pin, caller, request),

    verify_otp: async ({ session, code }) => {
      const { user, held } = this.#held(session, false);
      await this.#gate.run((state, tx) => countOtp(state, tx, user.name, "phone"));
      await this.#gate.run((state, tx) => consumeOtp(state, tx, user, "phone", code, this.#gate.parts.vault));
      held.complete = true;
      return { ok: true };
    },

    pending: async ({ session }) => {
      const { user } = this.#held(session);
      const requests = pendingOf(this.#gate.state, user.name, this.#uptime).map(
        ({ id, address, code, since }) => ({
          id,
          address,
          services: user.services,
          coded: code !== null,
          since: new Date(since).toISOString(),
        }),
      );
      return { ok: true, requests };
    },

    approve: async ({ session, code, id }) => {
      // found in the decision that uses it up: of two callers with one code the second finds nothing
      const grant = await this.#gate.run((state, tx) => {
        const request = this.#request(this.#held(session).user, code, id);
        if (request === "ambiguous" || request === undefined) return request ?? "unknown";
        return approve(state, tx, request, "phone", this.#gate.parts.freshId);
      });
      if (typeof grant === "string") return { ok: false, why: grant };
      this.#gate.parts.log.info("opened by a call", {
        user: grant.user,
        address: grant.address,
        id: grant.id,
      });
      return { ok: true, ...this.#phoneGrant(grant) };
    },

    grant_address: async ({ session, address: text, dry }) => {
      const { user, held } = this.#held(session);
      const address = parseAddress(text);
      if (address === undefined || (await this.#gate.parts.isOwn(address)))
        return { ok: false, why: "address" };
      const grant = await this.#gate.run((state, tx) => {
        if (held.spent) throw new NoSession();
        checkTyped(state, address);
        if (dry) return undefined;
        const opening = { address, user: user.name, by: "phone", proof: null } as const;
        const opened = open(state, tx, opening, this.#gate.parts.freshId);
        held.spent = true;
        return opened.grant;
      });
      if (grant === undefined) return { ok: true, address, seconds: 0, services: user.services };
      this.#gate.parts.log.info("opened by a call", {
        user: user.name,
        address: grant.address,
        id: grant.id,
      });
      return { ok: true, ...this.#phoneGrant(grant) };
    },

    last: async ({ session }) => {
      const { user } = this.#held(session);
      const { store, clock } = this.#gate.parts;
      const { lastOpened, settings } = this.#gate.state;
      const address = await lastOpened.of(user.name, store, clock().wall, settings.history.keep);
      return { ok: true, address };
    },

    close_all: async ({ session }) => {
      const { user } = this.#held(session);
      const closed = await this.#gate.run((state, tx) => {
        const mine = this.#open(user.name);
        revoke(state, tx, mine, { by: "phone", memory: this.#gate.parts.memory });
        return mine.length;
      });
      return { ok: true, closed };
    },

    status: async ({ session, link }, asker) => {
      if (link !== undefined) this.#link(link, asker);
      const open = session === undefined ? [] : this.#open(this.#held(session).user.name);
      return { ok: true, open: open.map((grant) => this.#phoneGrant(grant)) };
    },

    deny: async ({ id }) => ((await this.#callbacks.deny(id)) ? { ok: true } : { ok: false, why: "unknown" }),

    call_over: async ({ id, end }) =>
      (await this.#callbacks.over(id, end)) ? { ok: true } : { ok: false, why: "unknown" },

    callbacks: async (_args, listener) => {
      this.#callbacks.listen(listener);
      return { ok: true };
    },
  };

  async #verifyPin(
    pin: string,
    caller: Caller,
    requestId: string | undefined,
  ): Promise<PhoneVerbs["verify_pin"]["result"]> {
    const counted = await this.#gate.run((state, tx) => countPin(state, tx, caller));
    if (!counted.go) {
      this.#gate.tally.pins.add("delayed");
      return { ok: false, why: "wait", wait: Math.ceil(counted.wait / 1000) };
    }
    const user = this.#whose(await this.#gate.parts.vault.fingerprint(pin));
    const request = requestId === undefined ? undefined : this.#gate.state.pending.get(requestId);
    const asked = requestId === undefined || (request !== undefined && request.user === user?.name);
    if (user === undefined || !asked || !mayCall(user, caller)) {
      this.#gate.tally.pins.add("wrong");
      await this.#gate.run((_state, tx) =>
        tx.note("pin-wrong", { by: "phone", reason: `${caller.lane} ${caller.endpoint}` }),
      );
      return { ok: false, why: "wrong" };
    }
    await this.#gate.run((state, tx) => {
      knownUser(state, tx, user.name, "phone");
      rightPin(state, tx, caller, counted.together);
    });
    this.#gate.tally.pins.add("right");
    return { ok: true, session: this.#begin(user), otp: user.otp !== null };
  }

  /** Compares with every user's fingerprint, in a time that does not tell which it was. */
  #whose(fingerprint: string): User | undefined {
    const keyed = Buffer.from(fingerprint);
    let found: User | undefined;
    for (const user of this.#gate.state.users.values()) {
      const stored = Buffer.from(user.pin ?? "".padEnd(keyed.length, "-"));
      if (stored.length === keyed.length && timingSafeEqual(stored, keyed)) found = user;
    }
    return found;
  }

  #begin(user: User): string {
    const token = this.#freshToken();
    this.#sessions.begin(token, user, this.#uptime);
    return token;
  }

  /** @throws NoSession */
  #held(token: string, complete = true): { user: User; held: Session } {
    return this.#sessions.find(token, this.#gate.state.users, this.#uptime, complete);
  }

  /** The request that a code or an id names, among the user's own. */
  #request(user: User, code: string | undefined, id: string | undefined): Pending | "ambiguous" | undefined {
    const { state } = this.#gate;
    if (code !== undefined) return pendingByCode(state, user.name, code, this.#uptime);
    return pendingOf(state, user.name, this.#uptime).find((request) => request.id === id);
  }

  #open(user: string): Grant[] {
    return this.#gate.state.ledger.ofUser(user).filter((grant) => isLive(grant, this.#uptime));
  }

  #phoneGrant({ address, ends, services }: Grant): PhoneGrant {
    return { address, seconds: Math.max(0, Math.round((ends - this.#uptime) / 1000)), services };
  }

  #link(link: NonNullable<PhoneVerbs["status"]["args"]["link"]>, asker: Asker): void {
    this.#gate.phone = link;
    this.#silentSince = undefined;
    if (this.#speakers.has(asker)) return;
    this.#speakers.add(asker);
    asker.onClose(() => {
      this.#gate.phone = "off";
      this.#silentSince = this.#uptime;
    });
  }

  #why(error: unknown): PhoneRefusal {
    if (error instanceof NoSession) return "session";
    if (error instanceof Denied) return DENIED[error.reason as keyof typeof DENIED] ?? "refused";
    if (error instanceof Refusal) return WHY[error.code];
    this.#gate.parts.log.error("a call could not be served", { message: String(error) });
    return "broken";
  }

  get #uptime(): number {
    return this.#gate.parts.clock().uptime;
  }
}

/** What a caller is told; whose fault it is on our side is for the log. */
const WHY: Readonly<Record<RefusalCode, PhoneRefusal>> = {
  not_found: "unknown",
  broken: "broken",
  no_permission: "broken",
  refused: "refused",
  usage: "refused",
};

const DENIED = { otp_wrong: "wrong", otp_wait: "wait", address_refused: "address" } as const;

/** Caller ID may narrow who uses a PIN; it never proves anything. */
function mayCall({ callers }: User, { number }: Caller): boolean {
  return callers.length === 0 || (number !== null && callers.includes(number));
}
