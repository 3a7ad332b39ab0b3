import { portProblems } from "../../users/decisions.ts";
import type { Answers } from "./answerer.ts";
import { backUp, restore } from "./backup.ts";
import { metricsOf } from "./metrics.ts";
import { statusOf } from "./status.ts";

/** The answers about the whole of it. */
export const instanceAnswers: Answers<"status" | "metrics" | "check" | "backup" | "restore"> = {
  status: async (gate, _args, about) => statusOf(gate, about),

  metrics: async (gate, _args, about) => ({ families: metricsOf(gate, await statusOf(gate, about)) }),

  check: async (gate, _args, { read }) => ({
    problems: portProblems({ ...gate.state, settings: await read() }),
  }),

  backup: async (gate) => backUp(gate),

  restore: async (gate, args, { since }) => restore(gate, args, since !== null),
};
