/**
 * What phone-auth may ask the gate over phone.sock, one JSON object a line as on the admin socket. phone-auth is
 * not trusted: it holds no hash and no secret, every rule is the gate's, and whatever it does for a user it does
 * with the session that the gate gave it for a right PIN.
 */

/** Who calls, as Asterisk knows it. Only `internal` (an authenticated endpoint of the PBX) is evidence; the number is a hint. */
export interface Caller {
  /** `internal`: by the channel's endpoint, never by caller ID. */
  readonly lane: "internal" | "external";
  /** The channel's technology and endpoint: `PJSIP/201`. */
  readonly endpoint: string;
  /** Caller ID, digits and `+` only; null when withheld. */
  readonly number: string | null;
}

/** Why the gate says no to a call; the call flow chooses its words by it. */
export type PhoneRefusal =
  | "wrong" // PIN or one-time code
  | "wait" // too many tries: come back later
  | "session" // no such session (any more): key the PIN again
  | "unknown" // no pending request with that code
  | "ambiguous" // several requests with that code: they are read out instead
  | "address" // an address of this kind is never let in
  | "refused" // anything else: the user may not now
  | "broken"; // store or kernel: nothing was opened

/** A pending request as it is read out. */
export interface PendingView {
  readonly id: string;
  readonly address: string;
  readonly services: readonly string[];
  /** True when the laptop showed a code for it. */
  readonly coded: boolean;
  /** ISO 8601. */
  readonly since: string;
}

/** An order to call somebody back; `code` is shown on his laptop and spoken to him first. */
export interface CallbackOrder {
  readonly id: string;
  /** Registered with the user by an admin: digits, `+`, `*`, `#` only. */
  readonly number: string;
  readonly code: string | null;
  /** Seconds until the request is void. */
  readonly left: number;
}

/** How a call-back ended. `answered`: somebody or something picked up, whatever came of it. */
export const CALL_ENDS = [
  "answered",
  "busy",
  "no answer",
  "no such number",
  "not registered",
  "refused",
  "not reached",
  "not placed",
  "link lost",
] as const;

/** One of CALL_ENDS. */
export type CallEnd = (typeof CALL_ENDS)[number];

/** What became of something keyed: what was opened, for how long. */
export interface PhoneGrant {
  readonly address: string;
  /** Seconds. */
  readonly seconds: number;
  readonly services: readonly string[];
}

/** Every answer carries `ok`; a no carries its reason and, for `wait`, for how many seconds. */
export type PhoneAnswer<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly why: PhoneRefusal; readonly wait?: number };

/** `verb: { args, result }`. */
export interface PhoneVerbs {
  /** A try is counted before it is compared. `request`: the call-back this PIN is keyed for. */
  verify_pin: {
    args: { pin: string; caller: Caller; request?: string };
    result: PhoneAnswer<{ session: string; otp: boolean }>;
  };
  /** For users with an authenticator; until then their session may do nothing else. */
  verify_otp: { args: { session: string; code: string }; result: PhoneAnswer<object> };
  /** The session's own pending requests, oldest first. */
  pending: { args: { session: string }; result: PhoneAnswer<{ requests: PendingView[] }> };
  /** By the code keyed, or by the id of a request that was read out or that a call-back is for. */
  approve: { args: { session: string; code?: string; id?: string }; result: PhoneAnswer<PhoneGrant> };
  /** `dry`: only checks, before the address is read back. A session opens one address; then it is `session`. */
  grant_address: {
    args: { session: string; address: string; dry?: boolean };
    result: PhoneAnswer<PhoneGrant>;
  };
  /** The user's last address, not older than 30 days. */
  last: { args: { session: string }; result: PhoneAnswer<{ address: string | null }> };
  close_all: { args: { session: string }; result: PhoneAnswer<{ closed: number }> };
  /** With a session: what is open for its user. Without: is the gate there; `link` tells it how the link to Asterisk is. */
  status: {
    args: { session?: string; link?: "connecting" | "up" | "refused" | "replaced" };
    result: PhoneAnswer<{ open: PhoneGrant[] }>;
  };
  /**
   * 9 on a call-back: its request is denied and call-backs to this user are held for an hour. Needs no PIN, for it only
   * closes; `unknown` for every request that nobody is being called for at this moment.
   */
  deny: { args: { id: string }; result: PhoneAnswer<object> };
  /** A call-back is over: the next one to this user may be placed. `unknown` when none was under way for that request. */
  call_over: { args: { id: string; end: CallEnd }; result: PhoneAnswer<object> };
  /** Answers once; then one `{"event": CallbackOrder}` a line whenever somebody is to be called back. */
  callbacks: { args: Record<string, never>; result: PhoneAnswer<object> };
}

/** A verb's name. */
export type PhoneVerb = keyof PhoneVerbs;
