import { revoke } from "../../access/closing.ts";
import { viewEvent } from "../../access/event.ts";
import type { Gate } from "../../access/gate.ts";
import { type Grant, isLive, isRevocable } from "../../access/grant.ts";
import { extend, open, viewGrant } from "../../access/grants.ts";
import { readHistory } from "../../access/history.ts";
import { parseGrantAddress } from "../../address.ts";
import { seconds } from "../../duration.ts";
import { checkServices } from "../../users/wishes.ts";
import { Refusal } from "../verbs.ts";
import type { Answers } from "./answerer.ts";
import { notInForce } from "./in-force.ts";

/** The answers about grants, and what became of them. */
export const grantAnswers: Answers<"list" | "grant" | "extend" | "revoke" | "history"> = {
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
    const { grant, renewed, notes } = await gate.run((state, tx) => {
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
    return { grant: view(gate, grant), renewed, notes: [...notes, ...notInForce(gate, grant.services)] };
  },

  extend: async (gate, { id, ttl }) => {
    const { grant, notes } = await gate.run((state, tx) => extend(state, tx, id, seconds(ttl)));
    return { grant: view(gate, grant), notes };
  },

  revoke: async (gate, { what, user, all, keep_sessions }) => {
    const { uptime } = gate.parts.clock();
    return gate.run((state, tx) => {
      const chosen = all ? [...state.ledger.all()] : choose(gate, what, user);
      const live = chosen.filter((grant) => isLive(grant, uptime));
      const ending = keep_sessions ? live : chosen.filter(isRevocable);
      if (ending.length === 0 && !all)
        throw new Refusal("not_found", `nothing is open for ${user ?? what}`, "see what is: knockctl list");
      const notes = revoke(state, tx, ending, {
        by: "admin",
        memory: gate.parts.memory,
        keepSessions: keep_sessions ?? false,
      });
      return { revoked: live.map((grant) => viewGrant(grant, uptime)), notes };
    });
  },

  history: async (gate, { since, user, address }) => {
    const parsed = address === undefined ? undefined : parseGrantAddress(address);
    if (address !== undefined && parsed === undefined)
      throw new Refusal(
        "usage",
        `"${address}" is no address`,
        "give one IPv4 or IPv6 address, or an IPv6 /64",
      );
    const query = {
      ...(since && { since: Date.parse(since) }),
      ...(user && { user }),
      ...(parsed && { address: parsed }),
    };
    return { events: (await readHistory(gate.parts.store, query)).map(viewEvent) };
  },
};

/** Grants by id, by address (also those whose sessions are kept), or of a user. */
function choose({ state }: Gate, what = "", user = what): Grant[] {
  const grant = state.ledger.get(what);
  if (grant !== undefined) return [grant];
  const address = parseGrantAddress(what);
  return address === undefined ? state.ledger.ofUser(user) : state.ledger.ofAddress(address);
}

function view(gate: Gate, grant: Grant) {
  return viewGrant(grant, gate.parts.clock().uptime);
}
