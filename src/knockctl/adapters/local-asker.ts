import type { Gate } from "../../shared/access/gate.ts";
import { openGate } from "../../shared/gate/adapters/open-gate.ts";
import { answer } from "../../shared/gate/answers/answers.ts";
import { type AdminVerbs, type Asker, Refusal, type Verb } from "../../shared/gate/verbs.ts";
import type { EventView } from "../../shared/gate/views.ts";
import { silentLog } from "../../shared/log/log.ts";
import type { Settings } from "../../shared/settings/settings.ts";

/** Becomes the gate for one command. @throws StoreError */
export async function openLocalAsker(settings: Settings): Promise<Asker> {
  return new LocalAsker(await openGate(settings, silentLog, () => undefined));
}

class LocalAsker implements Asker {
  readonly #gate: Gate;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  ask<V extends Exclude<Verb, "watch">>(
    verb: V,
    args: AdminVerbs[V]["args"],
  ): Promise<AdminVerbs[V]["result"]> {
    return answer(this.#gate, verb, args, { since: null, reread: async () => {} });
  }

  // biome-ignore lint/correctness/useYield: there is nothing to watch, and the asker must learn it in the usual way
  async *watch(): AsyncGenerator<EventView> {
    throw new Refusal(
      "broken",
      "knockd is not running: there is nothing to watch",
      "start it, or look back: knockctl history",
    );
  }

  close(): Promise<void> {
    return this.#gate.close();
  }
}
