import { type Address, familyOf, kindOf, prefix64 } from "../address.ts";
import { type Duration, formatDuration, milliseconds } from "../duration.ts";
import { Refusal } from "../gate/verbs.ts";
import type { GrantedBy, GrantView, ProofName } from "../gate/views.ts";
import type { User } from "../users/user.ts";
import { inOrder } from "../users/wishes.ts";
import { close } from "./closing.ts";
import { Denied } from "./denial.ts";
import { type Grant, isLive } from "./grant.ts";
import { MAX_GRANTS, MAX_KNOCKED } from "./ledger.ts";
import { isWorthRecording, noteKnock } from "./recording.ts";
import { type GateState, loadedPolicies } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** What is asked for when a door is to be opened. Whoever asks has proved who they are. */
export interface Opening {
  readonly address: Address;
  /** null: for nobody in particular (admin only). */
  readonly user: string | null;
  /** Default: the user's services, or all configured ones. */
  readonly services?: readonly string[];
  /** Default: the user's or [access] ttl. */
  readonly ttl?: Duration;
  readonly by: GrantedBy;
  readonly proof: ProofName | null;
  readonly reason?: string;
}

/** What came of it. */
export interface Opened {
  readonly grant: Grant;
  /** True when a live grant was renewed instead of a second one made. */
  readonly renewed: boolean;
  /** That it was open for longer already. */
  readonly notes: string[];
}

/**
 * Opens a door, or renews it: the same user at the same address has one grant for the same services, whose end is the
 * later of two.
 * @param freshId draws `g` and 6 hex digits
 * @throws Denied; Refusal where an admin asks, but for `firewall_off` and `too_many_grants`
 */
export function open(state: GateState, tx: Transaction, request: Opening, freshId: () => string): Opened {
  if (loadedPolicies(state).length === 0) throw new Denied("firewall_off");
  const user = request.user === null ? null : knownUser(state, tx, request.user, request.by);
  const address = openedAddress(state, request);
  const all = () => state.settings.policy.services.map(({ name }) => name);
  const services = inOrder(state, request.services ?? user?.services ?? all());
  const length = timeAllowed(state, tx, request, user);
  const there = sameDoor(state, tx, request.user, address, services);
  const most = request.by === "knock" ? MAX_KNOCKED : MAX_GRANTS;
  if (there === undefined && state.ledger.size >= most) throw new Denied("too_many_grants");
  if (there === undefined && request.by === "knock" && user !== null) makeRoom(state, tx, user.name);
  const { wall, uptime } = tx.now;
  const reason = request.reason ?? there?.reason;
  const grant: Grant = {
    id: there?.id ?? unusedId(state, freshId),
    user: request.user,
    address,
    services,
    by: there?.by ?? request.by,
    proof: request.proof,
    ...(reason === undefined ? {} : { reason }),
    since: there?.since ?? wall,
    ...longer(there, { renewed: wall, length, expires: wall + length, ends: uptime + length }),
  };
  tx.putGrant(grant);
  liftRevocation(state, tx, grant);
  const event = there === undefined ? "opened" : "renewed";
  const what = services.join(",");
  const about = reason === undefined ? what : `${what}: ${reason}`;
  if (request.by !== "knock") tx.noteGrant(event, grant, request.by, about);
  else if (there !== undefined && !isWorthRecording(there, wall))
    tx.noteGrant(event, grant, "knock", about, false);
  else noteKnock(state, tx, event, grant, about);
  const notes = grant.ends > uptime + length ? [openAlready(grant, uptime)] : [];
  return { grant, renewed: there !== undefined, notes };
}

/** Moves a grant's end to `ttl` from now, if that is later. @throws Refusal */
export function extend(
  state: GateState,
  tx: Transaction,
  id: string,
  ttl: Duration,
): { grant: Grant; notes: string[] } {
  const grant = state.ledger.get(id);
  if (grant === undefined || !isLive(grant, tx.now.uptime)) {
    throw new Refusal("not_found", `no live grant ${id}`, "see them all: knockctl list");
  }
  const user = grant.user === null ? null : knownUser(state, tx, grant.user, "admin");
  const length = timeAllowed(state, tx, { by: "admin", proof: null, ttl }, user);
  if (tx.now.uptime + length <= grant.ends) {
    return { grant, notes: [openAlready(grant, tx.now.uptime)] };
  }
  const { wall, uptime } = tx.now;
  const extended: Grant = { ...grant, renewed: wall, length, expires: wall + length, ends: uptime + length };
  tx.putGrant(extended);
  tx.noteGrant("extended", extended, "admin", formatDuration(length));
  return { grant: extended, notes: [] };
}

/** Said where less time was asked for than is left. */
function openAlready({ id, ends }: Grant, uptime: number): string {
  const left = formatDuration(milliseconds(ends - uptime));
  return `${id} is open for ${left} already; to close it earlier: knockctl revoke ${id}`;
}

/** @returns the grant as `--json` prints it */
export function viewGrant(grant: Grant, uptime: number): GrantView {
  return {
    id: grant.id,
    user: grant.user,
    address: grant.address,
    services: [...grant.services],
    by: grant.by,
    proof: grant.proof,
    since: new Date(grant.since).toISOString(),
    expires: new Date(grant.expires).toISOString(),
    left: Math.max(0, Math.round((grant.ends - uptime) / 1000)),
    length: Math.round(grant.length / 1000),
    ...(grant.reason === undefined ? {} : { reason: grant.reason }),
  };
}

/** Finds a user who may open doors now. @throws Denied for a knock or a call, Refusal for an admin */
export function knownUser(state: GateState, tx: Transaction, name: string, by: GrantedBy): User {
  const user = state.users.get(name);
  const refuse = (reason: "user_unknown" | "user_disabled" | "user_expired", cure: string): never => {
    throw by === "admin"
      ? new Refusal(user ? "refused" : "not_found", `user ${name}: ${reason.replace("user_", "")}`, cure)
      : new Denied(reason);
  };
  if (user === undefined) return refuse("user_unknown", "see them all: knockctl user list");
  if (!user.enabled) return refuse("user_disabled", `let them in again: knockctl user set ${name} --enable`);
  if (user.expires !== null && user.expires <= tx.now.wall)
    return refuse("user_expired", `knockctl user set ${name} --expires DATE`);
  return user;
}

/** What a door is opened for: never an address that is no single host's on a network. @throws Denied, Refusal */
export function openedAddress(state: GateState, { address, by }: Pick<Opening, "address" | "by">): Address {
  const kind = kindOf(address);
  if (kind !== "public" && kind !== "private") {
    if (by !== "admin") throw new Denied("address_refused");
    throw new Refusal(
      "refused",
      `${address} is a ${kind} address: never let in`,
      "give the address the traveller is seen from",
    );
  }
  return by !== "admin" && familyOf(address) === 6 && state.settings.access.ipv6Prefix === 64
    ? prefix64(address)
    : address;
}

/**
 * How long a door may be opened. An admin who asks for too much is told; a knock or call gets what is allowed, also one
 * that an admin approves.
 */
function timeAllowed(
  state: GateState,
  tx: Transaction,
  request: Pick<Opening, "by" | "proof" | "ttl">,
  user: User | null,
): Duration {
  const { access } = state.settings;
  const rest = user?.expires == null ? Number.POSITIVE_INFINITY : user.expires - tx.now.wall;
  const most = Math.min(access.maxTtl, user?.maxTtl ?? Number.POSITIVE_INFINITY, rest) as Duration;
  const isAdmins = request.by === "admin" && request.proof === null;
  if (isAdmins && request.ttl !== undefined && request.ttl > most) {
    throw new Refusal(
      "refused",
      `${formatDuration(request.ttl)} is too long: at most ${formatDuration(most)} here`,
      "ask for less, or raise max_ttl ([access] in the settings, or `user set --max-ttl`)",
    );
  }
  return Math.min(request.ttl ?? user?.ttl ?? access.ttl, most) as Duration;
}

/** The live grant that this opening renews: of the same user, at that address, for the same services. */
function sameDoor(
  state: GateState,
  tx: Transaction,
  user: string | null,
  address: Address,
  services: readonly string[],
): Grant | undefined {
  return state.ledger.ofAddress(address).find(
    (grant) =>
      isLive(grant, tx.now.uptime) &&
      grant.user === user &&
      inOrder(state, grant.services).join() === services.join(), // it may be from before the settings changed
  );
}

/** A user's knock beyond max_grants_per_user takes the place of their oldest knock; phone and admin grants stay. */
function makeRoom(state: GateState, tx: Transaction, user: string): void {
  const { maxGrantsPerUser } = state.settings.access;
  const knocked = state.ledger.knocked(user);
  if (knocked.length < maxGrantsPerUser) return;
  // what has ended takes no place, though no sweep has come by yet
  const live = knocked.filter((grant) => isLive(grant, tx.now.uptime));
  for (const grant of live.slice(0, Math.max(0, live.length + 1 - maxGrantsPerUser)))
    close(state, tx, grant, "displaced", "knock", true);
}

type Times = Pick<Grant, "renewed" | "length" | "expires" | "ends">;

function longer(there: Grant | undefined, times: Times): Times {
  if (there === undefined || times.ends >= there.ends) return times;
  const { renewed, length, expires, ends } = there;
  return { renewed, length, expires, ends };
}

function unusedId(state: GateState, freshId: () => string): string {
  let id = freshId();
  while (state.ledger.get(id) !== undefined) id = freshId();
  return id;
}

function liftRevocation(state: GateState, tx: Transaction, grant: Grant): void {
  const revocation = state.ledger.revocation(grant.address);
  if (revocation === undefined) return;
  const services = revocation.services.filter((service) => !grant.services.includes(service));
  tx.liftRevocation(grant.address, services.length === 0 ? undefined : { ...revocation, services });
}
