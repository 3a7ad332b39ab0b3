import { allPending, approveById, refuse, viewPending } from "../../access/approvals.ts";
import { viewGrant } from "../../access/grants.ts";
import { unlock } from "../../access/pin-tries.ts";
import { Refusal } from "../verbs.ts";
import type { Answers } from "./answerer.ts";

/** The answers about what waits: requests for an approval, and callers whose tries were wrong. */
export const approvalAnswers: Answers<"pending" | "approve" | "deny" | "unlock"> = {
  pending: async (gate) => ({
    pending: allPending(gate.state, gate.parts.clock().uptime).map((request) =>
      viewPending(gate.state, request),
    ),
  }),

  approve: async (gate, { id }) => {
    const grant = await gate.run((state, tx) => approveById(state, tx, id, gate.parts.freshId));
    return { grant: viewGrant(grant, gate.parts.clock().uptime) };
  },

  deny: async (gate, { id }) => {
    const request = await gate.run((state, tx) => refuse(state, tx, id, "admin"));
    return { pending: viewPending(gate.state, request) };
  },

  unlock: async (gate, { who }) => {
    const unlocked = await gate.run((state, tx) => unlock(state, tx, who));
    const isKnown = who === "all" || who === "strangers" || gate.state.users.has(who);
    if (unlocked.length === 0 && !isKnown)
      throw new Refusal(
        "not_found",
        `nobody called ${who} has wrong tries`,
        "name a user, a caller (PJSIP/201, +49...), strangers, or all",
      );
    return { unlocked };
  },
};
