import { changedDoors, secretPorts, whoStays } from "../../access/doors.ts";
import { viewGrant } from "../../access/grants.ts";
import { describePlan } from "../../access/plan.ts";
import { apply, confirm, rollBack, tearDown } from "../../access/trial.ts";
import { seconds } from "../../duration.ts";
import type { Answers } from "./answerer.ts";
import { statusOf } from "./status.ts";

type FirewallVerb =
  | "firewall_plan"
  | "firewall_apply"
  | "firewall_confirm"
  | "firewall_rollback"
  | "firewall_teardown";

/** How long a trial lasts when the admin does not say. Seconds. */
const TRIAL = 60;

/** The answers about the firewall's policy. */
export const firewallAnswers: Answers<FirewallVerb> = {
  firewall_plan: async (gate, { listening = [], ssh_peers = [] }, about) => {
    const settings = await about.read();
    const { policy: current, paths } = settings;
    const { confirmed } = gate.state.firewall;
    const { allowlist } = gate.state;
    const prefixes = allowlist.prefixes();
    return {
      ...describePlan(confirmed, { owner: paths.state, current, prefixes, knockUdp: [], knockTcp: [] }),
      loaded: (await statusOf(gate, about)).firewall.state,
      doors: changedDoors(confirmed, current, listening, secretPorts(gate.state)),
      stay: whoStays({ ...gate.state, settings }, gate.parts.clock().uptime, allowlist.size, ssh_peers),
    };
  },

  firewall_apply: async (gate, { confirm: trial, now, keep, ssh_ports }, { read, adopt }) => {
    await adopt(await read());
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
      kept: kept.map((grant) => viewGrant(grant, gate.parts.clock().uptime)),
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
};
