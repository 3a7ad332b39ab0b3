import type { Gate } from "../../shared/access/gate.ts";
import { openGate } from "../../shared/gate/adapters/open-gate.ts";
import { noKnockd, nothingToWatch } from "../../shared/gate/answers/answerer.ts";
import { answer } from "../../shared/gate/answers/answers.ts";
import type { AdminVerbs, Asker, Verb } from "../../shared/gate/verbs.ts";
import type { EventView } from "../../shared/gate/views.ts";
import { silentLog } from "../../shared/log/log.ts";
import type { Settings } from "../../shared/settings/settings.ts";

/** Becomes the gate for one command. @throws StoreError */
export async function openLocalAsker(settings: Settings): Promise<Asker> {
  return new LocalAsker(await openShortGate(settings));
}

/** @returns a gate for one command: it logs nothing, and nothing is left for later. @throws StoreError */
export function openShortGate(settings: Settings): Promise<Gate> {
  return openGate(settings, silentLog, () => undefined);
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
    return answer(this.#gate, verb, args, noKnockd(this.#gate));
  }

  // biome-ignore lint/correctness/useYield: there is nothing to watch, and the asker must learn it in the usual way
  async *watch(): AsyncGenerator<EventView> {
    throw nothingToWatch();
  }

  close(): Promise<void> {
    return this.#gate.close();
  }
}
