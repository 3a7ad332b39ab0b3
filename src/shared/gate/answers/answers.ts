import { allPending, approveById, refuse, viewPending } from "../access/approvals.ts";
import { Denied } from "../access/denial.ts";
import { changedDoors, secretPorts, whoStays } from "../access/doors.ts";
import { viewEvent } from "../access/event.ts";
import type { Gate } from "../access/gate.ts";
import { type Grant, isLive } from "../access/grant.ts";
import { extend, open, revoke, viewGrant } from "../access/grants.ts";
import { readHistory } from "../access/history.ts";
import { unlock } from "../access/pin-tries.ts";
import { describePlan } from "../access/plan.ts";
import { apply, confirm, rollBack, tearDown } from "../access/trial.ts";
import { parseGrantAddress } from "../address.ts";
import { seconds } from "../duration.ts";
import { FirewallError } from "../firewall/firewall.ts";
import { formatPorts } from "../firewall/policy.ts";
import { SettingsError } from "../settings/problem.ts";
import { StoreError } from "../store/store.ts";
import { addUser, changeUser, coveredRanges, findUser, removeUser, rotateUser } from "../users/decisions.ts";
import { coveredPorts } from "../users/ports.ts";
import { viewUser } from "../users/user.ts";
import { checkServices } from "../users/wishes.ts";
import { allowAnswers } from "./allow-answers.ts";
import { backUp, restore } from "./backup.ts";
import { exportUsers, importUsers } from "./exchange.ts";
import { notInForce } from "./in-force.ts";
import { metricsOf } from "./metrics.ts";
import { newSecrets } from "./secret-wishes.ts";
import { statusOf } from "./status.ts";
import { type AdminVerbs, Refusal, type Verb } from "./verbs.ts";

/** What the answering process knows beside the gate. */
export interface Answerer {
  /** ISO time since when knockd runs; null: no knockd, a knockctl is the gate for one command. */
  readonly since: string | null;
  /** Takes over the settings as the file has them now: an admin who edited it plans and applies what he sees. */
  readonly reread: () => Promise<void>;
}

/** Answers to some of the questions, by verb. */
export type Answers<Some extends Verb = Exclude<Verb, "watch">> = {
  [V in Some]: (gate: Gate, args: AdminVerbs[V]["args"], about: Answerer) => Promise<AdminVerbs[V]["result"]>;
};

/** How long a trial lasts when the admin does not say. */
const TRIAL = 60;

/** One answer a verb. A new verb is one entry here, its types in verbs.ts, its decoder in decode/request.ts. */
const answers: Answers = {
  status: async (gate, _args, { since }) => statusOf(gate, since),

  metrics: async (gate, _args, { since }) => ({ families: metricsOf(gate, await statusOf(gate, since)) }),

  list: async (gate) => {
    const { uptime } = gate.parts.clock();
    return {
      grants: gate.state.ledger
        .live(uptime)
        .sort((a, b) => a.renewed - b.renewed)
        .map((grant) => viewGrant(grant, uptime)),
    };
  },

  grant: async (gate, { address, user, services, ttl, reason }) => {
    const parsed = parseGrantAddress(address);
    if (parsed === undefined)
      throw new Refusal(
        "usage",
        `"${address}" is no address`,
        "give one IPv4 or IPv6 address, or an IPv6 /64; names are not looked up here",
      );
    const { grant, renewed } = await gate.run((state, tx) => {
      checkServices(state, services);
      const opening = { address: parsed, user: user ?? null, by: "admin", proof: null } as const;
      return open(
        state,
        tx,
        {
          ...opening,
          ...(services && { services }),
          ...(ttl && { ttl: seconds(ttl) }),
          ...(reason && { reason }),
        },
        gate.parts.freshId,
      );
    });
    return { grant: view(gate, grant), renewed, notes: notInForce(gate, grant.services) };
  },

  extend: async (gate, { id, ttl }) => {
    const { grant, notes } = await gate.run((state, tx) => extend(state, tx, id, seconds(ttl)));
    return { grant: view(gate, grant), notes };
  },

  revoke: async (gate, { what, all, keep_sessions }) => {
    const { uptime } = gate.parts.clock();
    return gate.run((state, tx) => {
      const chosen = all ? [...state.ledger.all()] : choose(gate, what ?? "");
      const live = chosen.filter((grant) => isLive(grant, uptime));
      const ending = keep_sessions
        ? live
        : chosen.filter((grant) => isLive(grant, uptime) || grant.closed?.kept !== false);
      if (ending.length === 0 && !all)
        throw new Refusal("not_found", `nothing is open for ${what}`, "see what is: knockctl list");
      const notes = revoke(state, tx, ending, gate.parts.memory, keep_sessions ?? false);
      return { revoked: live.map((grant) => viewGrant(grant, uptime)), notes };
    });
  },

  history: async (gate, { since, user, address }) => {
    const query = {
      ...(since && { since: Date.parse(since) }),
      ...(user && { user }),
      ...(address && { address: parseGrantAddress(address) ?? address }),
    };
    return { events: (await readHistory(gate.parts.store, query)).map(viewEvent) };
  },

  user_add: async (gate, { name, ...wishes }) => {
    const [draw, { secrets, once }] = await Promise.all([gate.parts.draw(), newSecrets(gate, name, wishes)]);
    const user = await gate.run((state, tx) => addUser(state, tx, name, wishes, secrets, draw));
    await gate.followed();
    return { user: viewUser(user), once, notes: notInForce(gate, user.services) };
  },

  user_set: async (gate, { name, ...wishes }) => {
    findUser(gate.state, name);
    const [draw, { secrets, once }] = await Promise.all([gate.parts.draw(), newSecrets(gate, name, wishes)]);
    const { memory } = gate.parts;
    const { user, notes } = await gate.run((state, tx) =>
      changeUser(state, tx, name, wishes, secrets, draw, memory),
    );
    await gate.followed();
    return { user: viewUser(user), once, notes: [...notes, ...notInForce(gate, user.services)] };
  },

  user_list: async (gate) => ({ users: [...gate.state.users.values()].map(viewUser) }),

  user_show: async (gate, { name }) => ({ user: viewUser(findUser(gate.state, name)) }),

  user_rotate: async (gate, { name, ports, pin, otp }) => {
    if (!ports && !pin && !otp) {
      throw new Refusal(
        "usage",
        "say what to draw anew",
        `knockctl user rotate ${name} --ports (or --pin, --otp)`,
      );
    }
    const { proof, phone } = findUser(gate.state, name);
    const [draw, { secrets, once }] = await Promise.all([
      gate.parts.draw(),
      newSecrets(gate, name, { pin, otp, proof, phone }),
    ]);
    const user = await gate.run((state, tx) => rotateUser(state, tx, name, ports ?? false, secrets, draw));
    await gate.followed();
    const client = `the old ports are worth nothing now; new client: knockctl user client ${name} --format sh`;
    return { user: viewUser(user), once, notes: ports ? [client] : [] };
  },

  user_remove: async (gate, { name }) => {
    const { uptime } = gate.parts.clock();
    const { user, closed } = await gate.run((state, tx) => removeUser(state, tx, name, gate.parts.memory));
    await gate.followed();
    return { user: viewUser(user), revoked: closed.map((grant) => viewGrant(grant, uptime)) };
  },

  user_client: async (gate, { name }) => {
    const user = findUser(gate.state, name);
    const { policy, server, knock, phone } = gate.state.settings;
    const services = policy.services.filter((service) => user.services.includes(service.name));
    const tcp = services.flatMap(({ ports }) => ports).find(({ proto }) => proto === "tcp");
    return {
      server: server.name,
      user: name,
      steps: user.steps.map(({ proto, port }) => ({ proto, port })),
      proof: user.proof,
      approval: user.approval,
      extension: phone.extension,
      pending: phone.pending / 1000,
      window: knock.window / 1000,
      services: services.map((service) => ({ name: service.name, ports: service.ports.map(formatPorts) })),
      probe: tcp?.from ?? null,
    };
  },

  user_export: async (gate, args) => exportUsers(gate, args),

  user_import: async (gate, args) => importUsers(gate, args),

  pending: async (gate) => ({
    pending: allPending(gate.state, gate.parts.clock().uptime).map((request) =>
      viewPending(gate.state, request),
    ),
  }),

  approve: async (gate, { id }) => {
    const grant = await gate.run((state, tx) => approveById(state, tx, id, gate.parts.freshId));
    return { grant: view(gate, grant) };
  },

  deny: async (gate, { id }) => {
    const request = await gate.run((state, tx) => refuse(state, tx, id, "admin"));
    return { pending: viewPending(gate.state, request) };
  },

  unlock: async (gate, { who }) => {
    const unlocked = await gate.run((state, tx) => unlock(state, tx, who));
    if (unlocked.length === 0)
      throw new Refusal(
        "not_found",
        `nobody called ${who} has wrong tries`,
        "name a user, a caller (PJSIP/201, +49...), strangers, or all",
      );
    return { unlocked };
  },

  ...allowAnswers,

  firewall_plan: async (gate, { listening = [], ssh_peers = [] }, { reread, since }) => {
    await reread();
    const { confirmed } = gate.state.firewall;
    const { policy: current, paths } = gate.state.settings;
    const { allowlist } = gate.state;
    const prefixes = allowlist.prefixes();
    return {
      ...describePlan(confirmed, { owner: paths.state, current, prefixes, knockUdp: [], knockTcp: [] }),
      loaded: (await statusOf(gate, since)).firewall.state,
      doors: changedDoors(confirmed, current, listening, secretPorts(gate.state)),
      stay: whoStays(gate.state, gate.parts.clock().uptime, allowlist.size, ssh_peers),
    };
  },

  firewall_apply: async (gate, { confirm: trial, now, keep, ssh_ports }, { reread }) => {
    await reread();
    const sessions = await gate.parts.sessions();
    const application = {
      trial: now ? undefined : seconds(trial ?? TRIAL),
      keep: keep ?? [],
      sshPorts: ssh_ports ?? [],
      sessions,
      freshId: gate.parts.freshId,
    };
    const kept = await gate.run((state, tx) => apply(state, tx, application));
    const running = gate.state.firewall.trial;
    return {
      state: running === null ? "confirmed" : "trial",
      ends: running === null ? null : new Date(running.endsWall).toISOString(),
      kept: kept.map((grant) => view(gate, grant)),
      notes: [],
    };
  },

  firewall_confirm: async (gate) => {
    await gate.run((state, tx) => confirm(state, tx));
    return { state: "confirmed" };
  },

  firewall_rollback: async (gate) => {
    const rolled = await gate.run((state, tx) => rollBack(state, tx, "asked"));
    return { state: rolled ? "rolled back" : "nothing to roll back" };
  },

  firewall_teardown: async (gate) => {
    await gate.run((_state, tx) => tearDown(tx));
    return { state: "removed" };
  },

  backup: async (gate) => backUp(gate),

  restore: async (gate, args, { since }) => restore(gate, args, since !== null),

  check: async (gate) => ({ problems: coveredPorts(gate.state.users.values(), coveredRanges(gate.state)) }),
};

/**
 * Answers one question of an admin.
 * @throws Refusal, whatever went wrong: a no, a damaged store, a kernel that did not take it
 */
export async function answer<V extends Exclude<Verb, "watch">>(
  gate: Gate,
  verb: V,
  args: AdminVerbs[V]["args"],
  about: Answerer,
): Promise<AdminVerbs[V]["result"]> {
  try {
    return await answers[verb](gate, args, about);
  } catch (error) {
    throw refusal(error);
  }
}

/** @returns the error as a Refusal; a fault of ours keeps its name so that it can be reported */
export function refusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof StoreError || error instanceof FirewallError || error instanceof SettingsError)
    return new Refusal("broken", error.message, error.cure);
  if (error instanceof Denied && error.reason === "firewall_off") {
    return new Refusal(
      "refused",
      "no firewall policy is in force, so there is no door to open",
      "start knockd, or: knockctl firewall apply",
    );
  }
  if (error instanceof Denied)
    return new Refusal("refused", error.message, "see knockctl list and knockctl status");
  return new Refusal(
    "broken",
    `a fault in knockline: ${String(error)}`,
    "please report it with the lines above",
  );
}

/** Grants by id, by address (also those whose sessions are kept), or of a user. */
function choose({ state }: Gate, what: string): Grant[] {
  const grant = state.ledger.get(what);
  if (grant !== undefined) return [grant];
  const address = parseGrantAddress(what);
  return address === undefined ? state.ledger.ofUser(what) : state.ledger.ofAddress(address);
}

function view(gate: Gate, grant: Grant) {
  return viewGrant(grant, gate.parts.clock().uptime);
}
