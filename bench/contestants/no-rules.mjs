// @ts-check
// No firewall at all: what sending and receiving cost by themselves.
import { openStage } from "../stage.mjs";

/** @type {import("./contestant.mjs").Contestant} */
export const noRules = {
  name: "no rules",
  about: "no firewall at all: what sending and receiving cost by themselves",
  tools: {},
  async start() {
    const stage = await openStage();
    return {
      name: noRules.name,
      stage,
      firstPort: 7_000,
      daemons: [],
      knock: async () => [],
      openDoors: async () => 0,
      stop: () => stage.close(),
    };
  },
};
