import { revoke } from "../access/closing.ts";
import { type Grant, isLive, isRevocable } from "../access/grant.ts";
import type { GateState } from "../access/state.ts";
import type { Transaction } from "../access/transaction.ts";
import { type Duration, milliseconds } from "../duration.ts";
import { Refusal, type UserWishes } from "../gate/verbs.ts";
import {
  type Covered,
  coveredPorts,
  drawDecoys,
  drawSequence,
  type PortsInUse,
  type Random,
} from "./ports.ts";
import { type Secrets, withSecrets } from "./secrets.ts";
import { isUserName, MAX_USERS, type Step, type User } from "./user.ts";
import { withWishes } from "./wishes.ts";

/** Told when ports were drawn in the place of others. */
export const OLD_PORTS = "the old ports are worth nothing now";

/** What a draw of ports needs from outside. */
export interface Draw {
  readonly random: Random;
  readonly inUse: PortsInUse;
  /** Whether TCP steps can be seen: tcpdump is installed. */
  readonly canSniff: boolean;
}

/** Adds a user and draws three knock ports. @throws Refusal */
export function addUser(
  state: GateState,
  tx: Transaction,
  name: string,
  wishes: UserWishes,
  secrets: Secrets,
  draw: Draw,
): User {
  if (!isUserName(name)) {
    throw new Refusal("usage", `"${name}" is no user name`, "use a-z first, then up to 31 of a-z 0-9 _ -");
  }
  if (state.users.has(name)) {
    throw new Refusal(
      "refused",
      `user ${name} is there already`,
      `change it: knockctl user set ${name}; new ports: knockctl user rotate ${name} --ports`,
    );
  }
  if (state.users.size >= MAX_USERS)
    throw new Refusal(
      "refused",
      `there are ${MAX_USERS} users already`,
      "remove some: knockctl user remove NAME",
    );
  const fresh: User = {
    name,
    steps: [],
    proof: "otp", // unless there is a key, or another is asked for: `none` must be
    services: defaultServices(state),
    ttl: null,
    maxTtl: null,
    approval: "none",
    enabled: true,
    expires: null,
    created: tx.now.wall,
    drawn: tx.now.wall,
    pin: null,
    otp: null,
    sshKeys: [],
    phone: null,
    callers: [],
  };
  checkSniffer(wishes.steps, draw);
  const user = {
    ...withWishes(state, fresh, wishes, secrets),
    steps: steps(state, name, wishes.steps ?? ["udp", "udp", "udp"], draw),
  };
  tx.setUser(name, user);
  tx.note("user-added", { user: name, by: "admin" });
  return user;
}

/** @returns true when a user's steps are of these kinds already: then the ports stay */
export function hasKinds(user: User, protos: readonly Step["proto"][]): boolean {
  return user.steps.map(({ proto }) => proto).join() === protos.join();
}

/** What came of a change. */
export interface Changed {
  readonly user: User;
  readonly notes: string[];
  /** True when what a client is made of is another: one that was made before knocks in vain, or says the wrong thing. */
  readonly newClient: boolean;
}

/** Changes a user; open doors, and sessions that outlive theirs, follow at once. @param memory how long conntrack remembers. @throws Refusal */
export function changeUser(
  state: GateState,
  tx: Transaction,
  name: string,
  wishes: UserWishes,
  secrets: Secrets,
  draw: Draw,
  memory: Duration,
): Changed {
  const before = findUser(state, name);
  const kinds = wishes.steps === undefined || hasKinds(before, wishes.steps) ? undefined : wishes.steps;
  checkSniffer(kinds, draw);
  const changed = withWishes(state, before, wishes, secrets);
  const user =
    kinds === undefined
      ? changed
      : { ...changed, steps: steps(state, name, kinds, draw), drawn: tx.now.wall };
  tx.setUser(name, user);
  tx.note("user-changed", { user: name, by: "admin", reason: Object.keys(wishes).join(",") });
  const forbidden = state.ledger
    .ofUser(name)
    .filter((grant) => isRevocable(grant) && !mayKeep(user, grant, tx));
  const closed = forbidden.filter((grant) => isLive(grant, tx.now.uptime));
  const kept = forbidden.length - closed.length;
  const stillOpen = revoke(state, tx, forbidden, { by: "admin", memory });
  const shortened = user.expires === before.expires ? [] : endWithUser(state, tx, user);
  const notes = [
    kinds !== undefined && OLD_PORTS,
    closed.length > 0 && `closed ${idsOf(closed)}: not allowed any more`,
    kept > 0 && `ended what was left of sessions of ${kept} doors that had closed before`,
    shortened.length > 0 && `${idsOf(shortened)} will end with the user`,
  ].filter((note) => note !== false);
  const newClient = kinds !== undefined || user.proof !== before.proof || user.approval !== before.approval;
  return { user, notes: [...notes, ...stillOpen], newClient };
}

/** Draws new secrets, of which the old ones are worth nothing at once. @throws Refusal */
export function rotateUser(
  state: GateState,
  tx: Transaction,
  name: string,
  ports: boolean,
  secrets: Secrets,
  draw: Draw,
): User {
  const before = findUser(state, name);
  const protos = before.steps.map(({ proto }) => proto);
  const user = {
    ...withSecrets(state, before, secrets),
    ...(ports && { steps: steps(state, name, protos, draw), drawn: tx.now.wall }),
  };
  tx.setUser(name, user);
  tx.note("user-rotated", {
    user: name,
    by: "admin",
    reason: [ports && "ports", ...Object.keys(secrets)].filter(Boolean).join(","),
  });
  return user;
}

/**
 * Removes a user, closes what was open, and ends sessions that outlived their doors.
 * @returns the user, and the grants that were open. @throws Refusal
 */
export function removeUser(
  state: GateState,
  tx: Transaction,
  name: string,
  memory: Duration,
): { user: User; closed: Grant[] } {
  const user = findUser(state, name);
  const closed = liveGrants(state, tx, name);
  revoke(state, tx, state.ledger.ofUser(name).filter(isRevocable), { by: "admin", memory });
  tx.setUser(name, undefined);
  tx.note("user-removed", { user: name, by: "admin" });
  return { user, closed };
}

/**
 * Closes what users who are gone, or may not have it any more, have open or have sessions of, and lets the rest end with
 * its user at the latest. @returns the grants that were open
 */
export function closeForbidden(state: GateState, tx: Transaction, memory: Duration): Grant[] {
  const forbidden = [...state.ledger.all()].filter((grant) => {
    const user = grant.user === null ? undefined : state.users.get(grant.user);
    return grant.user !== null && isRevocable(grant) && (user === undefined || !mayKeep(user, grant, tx));
  });
  const closed = forbidden.filter((grant) => isLive(grant, tx.now.uptime));
  revoke(state, tx, forbidden, { by: "admin", memory });
  for (const user of state.users.values()) endWithUser(state, tx, user);
  return closed;
}

/** Draws or drops decoys until there are as many as the settings say and none lies in a covered range. */
export function settleDecoys(state: GateState, tx: Transaction, draw: Draw): void {
  const covered = coveredRanges(state);
  const good = state.decoys.filter((port) => !covered.some(({ from, to }) => from <= port && port <= to));
  const wanted = state.settings.knock.decoys;
  const fresh = drawDecoys(Math.max(0, wanted - good.length), drawRules(state, draw, undefined), draw.random);
  const decoys = [...good.slice(0, wanted), ...fresh];
  if (decoys.length !== state.decoys.length || fresh.length > 0) tx.setDecoys(decoys);
}

/** @throws Refusal `not_found` */
export function findUser(state: GateState, name: string): User {
  const user = state.users.get(name);
  if (user === undefined)
    throw new Refusal("not_found", `no user ${name}`, "see them all: knockctl user list");
  return user;
}

/** @returns a sentence for every knock port that the settings cover by now, of all users unless some are named */
export function portProblems(state: GateState, users: Iterable<User> = state.users.values()): string[] {
  return coveredPorts(users, coveredRanges(state));
}

/** Ports that no knock may lie in: configured services and public ports. */
function coveredRanges({ settings }: GateState): Covered[] {
  const { services, public: open } = settings.policy;
  return [
    ...services.flatMap(({ name, ports }) => ports.map((range) => ({ ...range, whose: `service ${name}` }))),
    ...open.map((range) => ({ ...range, whose: "public under [firewall]" })),
  ];
}

function drawRules(state: GateState, { inUse }: Draw, except: string | undefined) {
  const others = [...state.users.values()].filter(({ name }) => name !== except);
  const own = except === undefined ? [] : (state.users.get(except)?.steps ?? []);
  const taken = new Set([...others.flatMap(({ steps }) => steps), ...own].map(({ port }) => port));
  for (const port of state.decoys) taken.add(port);
  return { range: state.settings.knock.ports, covered: coveredRanges(state), inUse, taken };
}

function steps(state: GateState, name: string, protos: readonly Step["proto"][], draw: Draw): Step[] {
  if (protos.length !== 3)
    throw new Refusal("usage", "a sequence has three steps", "for example --steps udp,udp,udp");
  const drawn = drawSequence(protos, drawRules(state, draw, name), draw.random);
  if (drawn === undefined) {
    const { from, to } = state.settings.knock.ports;
    throw new Refusal(
      "refused",
      `no room for three ports in knock.ports ${from}-${to}`,
      "make the range larger, or the services' ranges smaller",
    );
  }
  return drawn;
}

/** A rotation is not asked this: new ports must be had whatever is broken. @throws Refusal */
function checkSniffer(protos: readonly Step["proto"][] | undefined, { canSniff }: Draw): void {
  if (canSniff || !protos?.includes("tcp")) return;
  throw new Refusal(
    "broken",
    "TCP steps are seen by tcpdump, which is not installed here",
    "apt-get install tcpdump, or leave --steps out: three UDP steps need nothing",
  );
}

function defaultServices({ settings }: GateState): string[] {
  const names = settings.policy.services.map(({ name }) => name);
  return names.includes("ssh") ? ["ssh"] : names.slice(0, 1);
}

function liveGrants(state: GateState, tx: Transaction, name: string): Grant[] {
  return state.ledger.ofUser(name).filter((grant) => isLive(grant, tx.now.uptime));
}

/** Lets no door of a user outlast him; its sessions are kept from then, as after any end. @returns those that end sooner */
function endWithUser(state: GateState, tx: Transaction, { name, expires }: User): Grant[] {
  if (expires === null) return [];
  const ends = tx.now.uptime + expires - tx.now.wall;
  const longer = liveGrants(state, tx, name).filter((grant) => grant.ends > ends);
  for (const grant of longer) {
    const length = milliseconds(Math.max(0, Math.min(grant.length, expires - grant.renewed)));
    tx.putGrant({ ...grant, length, expires, ends });
  }
  return longer;
}

const idsOf = (grants: readonly Grant[]): string => grants.map(({ id }) => id).join(", ");

function mayKeep(user: User, grant: Grant, tx: Transaction): boolean {
  const inTime = user.expires === null || user.expires > tx.now.wall;
  return (
    user.enabled &&
    inTime &&
    (grant.by === "admin" || grant.services.every((service) => user.services.includes(service)))
  );
}
