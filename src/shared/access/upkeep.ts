import { hours, milliseconds, seconds } from "../duration.ts";
import { FirewallError } from "../firewall/firewall.ts";
import { StoreError } from "../store/store.ts";
import { lapse } from "./allow.ts";
import type { BootFile } from "./boot-file.ts";
import { expire } from "./closing.ts";
import type { GateEvent } from "./event.ts";
import type { Gate } from "./gate.ts";
import { purge } from "./history.ts";
import { expirePending } from "./pending.ts";
import { forgetTries } from "./pin-tries.ts";
import { rollBack } from "./trial.ts";

const RECONCILE_EVERY = seconds(30);
/** Every so many looks the rules are read too: who alters them is noticed at once by the watcher, and a process costs 10 ms. */
const RULES_EVERY = 10;
const RETRY_AFTER = seconds(1);
const STORE_RETRY = seconds(3);
const PURGE_EVERY = hours(24);
const NEVER = -1;

/** What only the gate itself can do. */
export interface GateHands {
  /** Resolves when the decisions that wait now are carried out. */
  readonly idle: () => Promise<void>;
  /** Writes the clock's floor down where that is of use. Never throws. */
  readonly writeClock: () => Promise<void>;
  /** Counts an event and tells listeners of it. */
  readonly happened: (event: GateEvent) => void;
}

/**
 * What the gate does unasked: ends what is due, looks whether the kernel still is the ledger's projection and mends it,
 * and tries again what has failed.
 */
export class Upkeep {
  /** Who is told, at each look at the table, how many TCP knocks the kernel has reported since it was made. */
  counted: (reported: number) => void = () => {};
  readonly #gate: Gate;
  readonly #bootFile: BootFile;
  readonly #hands: GateHands;
  #healing: Promise<void> | undefined;
  #healAgain: Promise<void> | undefined;
  #nextReconcile = 0;
  #nextPurge = 0;
  #looks = 0;
  /** Uptime ms at which the next thing ends, as of so many decisions. */
  #next = Number.POSITIVE_INFINITY;
  #nextAsOf = NEVER;
  #decisions = 0;

  constructor(gate: Gate, bootFile: BootFile, hands: GateHands) {
    this.#gate = gate;
    this.#bootFile = bootFile;
    this.#hands = hands;
  }

  /** Uptime ms of the next look at the kernel. */
  get due(): number {
    return this.#nextReconcile;
  }

  /** Something was decided: what ends next may be another. */
  decided(decisions: number): void {
    this.#decisions += decisions;
  }

  /** Somebody disturbed the table: looks, and makes it right. Once more for all who ask while that is being done. */
  heal(): Promise<void> {
    if (this.#healing === undefined) {
      this.#healing = this.#heal().finally(() => {
        this.#healing = undefined;
      });
      return this.#healing;
    }
    this.#healAgain ??= this.#healing.then(() => {
      this.#healAgain = undefined;
      return this.heal();
    });
    return this.#healAgain;
  }

  /** What is due: ends grants that ran out, ends a trial, compares the kernel with the ledger, forgets old history. */
  async sweep(): Promise<void> {
    const { parts, state } = this.#gate;
    if (this.#nextAsOf !== this.#decisions || parts.clock().uptime >= this.#next) await this.#end();
    const { uptime, wall } = parts.clock();
    if (uptime >= this.#nextReconcile) {
      this.#nextReconcile = uptime + RECONCILE_EVERY;
      await this.#look();
      await this.#hands.writeClock();
    }
    if (uptime >= this.#nextPurge) {
      this.#nextPurge = uptime + PURGE_EVERY;
      await this.#gate.run(forgetTries).catch(() => undefined);
      const old = wall - state.settings.history.keep;
      await this.#gate.alone(() => purge(parts.store, old)).catch(() => undefined);
    }
    if (uptime >= this.#bootFile.due) await this.#bootFile.write();
    const rest = Math.min(this.#next, this.#nextReconcile, this.#bootFile.due) - parts.clock().uptime;
    parts.wake(milliseconds(rest));
  }

  /** Says what is wrong with the kernel's table, and looks at it again soon. */
  kernelFailed(error: unknown): void {
    const { parts, problems } = this.#gate;
    const what = error instanceof FirewallError ? `${error.message}; ${error.cure}` : String(error);
    problems.set("kernel", what);
    parts.log.error("the kernel's table could not be made right: trying again", { message: what });
    this.#looks = 0;
    this.#nextReconcile = parts.clock().uptime + RETRY_AFTER;
    parts.wake(RETRY_AFTER);
  }

  /** Tried again by a write of the clock's floor: whoever knocks next should not be the one who finds out. */
  storeFailed(error: unknown): void {
    const { parts, problems } = this.#gate;
    const what = error instanceof StoreError ? `${error.message}; ${error.cure}` : String(error);
    if (problems.get("store") !== what) parts.log.error("the store took no write", { message: what });
    problems.set("store", what);
    this.#nextReconcile = Math.min(this.#nextReconcile, parts.clock().uptime + STORE_RETRY);
    parts.wake(STORE_RETRY);
  }

  /** Ends what has run out. */
  async #end(): Promise<void> {
    this.#next = Number.POSITIVE_INFINITY;
    this.#nextAsOf = this.#decisions + 1;
    await this.#gate
      .run((state, tx) => {
        const { trial } = state.firewall;
        if (trial !== null && trial.ends <= tx.now.uptime) rollBack(state, tx, "time is over");
        this.#next = Math.min(
          expire(state, tx),
          expirePending(state, tx),
          lapse(state, tx),
          state.firewall.trial?.ends ?? Number.POSITIVE_INFINITY,
        );
      })
      .catch((error) => {
        this.#nextAsOf = NEVER;
        if (!(error instanceof StoreError))
          this.#gate.parts.log.error("a sweep failed", { message: String(error) });
      });
  }

  async #heal(): Promise<void> {
    const { projector } = this.#gate;
    try {
      if (projector.plan() === undefined) return;
      const table = await projector.state(); // knocks need not wait for nft, which may hang
      if (table.state === "ok") await this.#compare();
      else await this.#gate.alone(() => this.#repair());
    } catch (error) {
      this.kernelFailed(error);
    }
  }

  /** Looks again, for it may have been an installation of ours that was seen half way. */
  async #repair(): Promise<void> {
    const { state } = await this.#gate.projector.state();
    if (state === "ok") return this.#reconcile();
    await this.#gate.projector.restore();
    this.#repaired(state === "missing" ? "the table was gone" : "the table was altered");
  }

  /** The regular look: at the elements, unless nobody can have changed them; now and then at the rules too. */
  async #look(): Promise<void> {
    const { projector } = this.#gate;
    try {
      if (projector.knockTcp.length > 0) this.counted(await projector.reported());
      if (this.#looks++ % RULES_EVERY === 0 || projector.plan() === undefined) await this.heal();
      else if (!(await projector.isSettled())) await this.#compare();
    } catch (error) {
      this.kernelFailed(error);
    }
  }

  /** Nobody waits for a look; only what is not as it should be is looked at once more, and mended, between decisions. */
  async #compare(): Promise<void> {
    if (await this.#gate.projector.isRight(() => this.#calm())) this.#gate.problems.delete("kernel");
    else await this.#gate.alone(() => this.#reconcile());
  }

  async #reconcile(): Promise<void> {
    const wrong = await this.#gate.projector.reconcile();
    if (wrong > 0) this.#repaired(`${wrong} elements were not as the ledger says`);
    this.#gate.problems.delete("kernel");
  }

  /** Lets others go first, and decisions that wait by then be carried out. Not for what runs in the queue. */
  async #calm(): Promise<void> {
    await this.#gate.parts.rest();
    await this.#hands.idle();
  }

  #repaired(reason: string): void {
    const { log, clock } = this.#gate.parts;
    log.warn("the kernel's table was repaired", { reason });
    const event = "firewall-repaired";
    this.#hands.happened({ at: clock().wall, event, user: null, address: null, by: null, reason });
  }
}
