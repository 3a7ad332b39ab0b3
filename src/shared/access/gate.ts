import type { Address } from "../address.ts";
import { type Clock, type Duration, milliseconds } from "../duration.ts";
import type { Firewall } from "../firewall/firewall.ts";
import { bootText } from "../firewall/ruleset.ts";
import type { StatusView } from "../gate/views.ts";
import type { Log } from "../log/log.ts";
import type { Resolver } from "../names/answer.ts";
import type { Settings } from "../settings/settings.ts";
import type { Breathe } from "../slices.ts";
import type { Store, Write } from "../store/store.ts";
import type { Draw } from "../users/decisions.ts";
import type { Vault } from "../users/vault.ts";
import { BootFile } from "./boot-file.ts";
import type { GateEvent } from "./event.ts";
import { loadState } from "./load.ts";
import { Projector } from "./projector.ts";
import { type Decision, DecisionQueue, type Job } from "./queue.ts";
import { type ClockRecord, keys } from "./records.ts";
import type { GateState } from "./state.ts";
import { Tally } from "./tally.ts";
import { type Cut, Transaction } from "./transaction.ts";
import type { Session } from "./trial.ts";
import { Upkeep } from "./upkeep.ts";

/** The world as the gate sees it; every part is a port. */
export interface GateParts {
  readonly store: Store;
  readonly firewall: Firewall;
  readonly clock: Clock;
  /** Id of this boot of the machine. */
  readonly boot: string;
  readonly log: Log;
  /** Draws `g` and 6 hex digits. */
  readonly freshId: () => string;
  /** Randomness and the host's ports, read anew for each draw. */
  readonly draw: () => Promise<Draw>;
  /** Established TCP sessions of this host. */
  readonly sessions: () => Promise<Session[]>;
  /** Whether an address is one of this host's own. */
  readonly isOwn: (address: Address) => Promise<boolean>;
  /** Ends TCP sessions on the server's side; a failure is only worth a log line. */
  readonly cut: (cuts: readonly Cut[]) => Promise<void>;
  /** DNS. */
  readonly resolver: Resolver;
  /** What only the server's secret can do. */
  readonly vault: Vault;
  /** For how long conntrack remembers an idle TCP session. */
  readonly memory: Duration;
  /** Replaces boot.nft; undefined removes it. */
  readonly writeBoot: (text: string | undefined) => Promise<void>;
  /** Lets others run in the middle of long work. */
  readonly breathe: Breathe;
  /** The same for what has time: others have the event loop for several turns. */
  readonly rest: Breathe;
  /** Asks for `sweep` to be called after a time, soon where it is over; of several askings the earliest counts. */
  readonly wake: (after: Duration) => void;
}

/** Who keeps the names of the allowlist fresh. */
export interface NameWatcher {
  /** Entries came or went. */
  follow(): void;
  /** Every name is to be looked up soon. */
  hurry(): void;
}

/**
 * The one gate: grants are opened, renewed and closed only here, by whoever holds the store's lock. Everything
 * runs through one queue; decisions that wait there together are written and projected together. First the
 * store, then the kernel, then the answer: what is answered as open is on the disk and in the kernel. Where nothing but
 * doors is opened, the kernel waits for the store's note alone, and the disk has it before the answer (decision 0015).
 */
export class Gate {
  readonly state: GateState;
  readonly parts: GateParts;
  /** What is wrong now, by topic; `status` shows it. bounded: a handful of topics, one a user for ports */
  readonly problems = new Map<string, string>();
  readonly projector: Projector;
  /** What happened since this process is the gate. */
  readonly tally = new Tally();
  /** How the link to Asterisk is, as phone-auth last said; "off" when nobody speaks for the phone. */
  phone: StatusView["phone"]["state"] = "off";
  readonly #queue = new DecisionQueue((jobs) => this.#commit(jobs));
  readonly #upkeep: Upkeep;
  readonly #listeners = new Set<(event: GateEvent) => void>();
  #follow: () => Promise<void> = async () => {};
  #following: Promise<void> = Promise.resolve();
  #willFollow = false;
  #number = 0;
  /** What the store did not take of an undo: it goes with the next write. bounded: nothing is opened before it went */
  #owed: readonly Write[] = [];
  readonly #bootFile: BootFile;
  /** Who looks up names again and again: knockd; nobody while a knockctl is the gate. */
  names: NameWatcher | undefined;

  private constructor(parts: GateParts, state: GateState) {
    this.parts = parts;
    this.state = state;
    this.projector = new Projector(parts.firewall, state, parts.clock, parts.log, parts.breathe);
    this.#bootFile = new BootFile({
      text: () => this.#bootText(),
      write: parts.writeBoot,
      clock: parts.clock,
      log: parts.log,
      problem: (what) =>
        what === undefined ? this.problems.delete("boot") : this.problems.set("boot", what),
    });
    this.#upkeep = new Upkeep(this, this.#bootFile, {
      idle: () => this.#queue.idle,
      writeClock: () => this.#writeClock(),
      happened: (event) => this.#happened(event),
    });
  }

  /** Reads the store and is then the gate. Touches no packet filter yet. @throws StoreError */
  static async open(parts: GateParts, settings: Settings): Promise<Gate> {
    const { store, boot } = parts;
    const now = parts.clock();
    const { state, led } = await loadState(store, settings, now, boot);
    const clock: ClockRecord = { ...now, boot };
    if (led.length > 0) await store.write([...led, { key: keys.clock, value: clock }]);
    return new Gate(parts, state);
  }

  /** Carries out a decision. @throws what it throws; StoreError or FirewallError when it could not take effect */
  run<T>(decide: Decision<T>): Promise<T> {
    return this.#queue.run(decide);
  }

  /**
   * Goes through a decision that will be asked for within milliseconds, and takes it back: nothing is written, nothing
   * reaches the kernel, nobody is told. What a processor has not done for a while takes it several times as long.
   */
  rehearse(decide: Decision<unknown>): void {
    if (this.#queue.isBusy) return; // then it is awake
    const tx = new Transaction(this.state, this.parts.clock(), this.parts.boot);
    try {
      decide(this.state, tx);
      this.parts.store.rehearse(tx.writes(() => 0));
      this.projector.rehearse(tx);
    } catch {
      // a no is no harm here: whoever asks in earnest will be told
    } finally {
      tx.rollback();
    }
  }

  /** Runs a task between decisions, alone. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#queue.alone(task);
  }

  /** Calls back for each event. @returns the function that ends it */
  subscribe(listener: (event: GateEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Names who must follow when knock ports change: the listeners. */
  onPortsChanged(follow: () => Promise<void>): void {
    this.#follow = follow;
  }

  /** Names who is told, at each look at the table, how many TCP knocks the kernel has reported since it was made. */
  onCounted(counted: (reported: number) => void): void {
    this.#upkeep.counted = counted;
  }

  /** Waits until the listeners have followed: only then does a new user's knock arrive. */
  followed(): Promise<void> {
    return this.#following;
  }

  /** True while somebody listens to events. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Tells listeners of something that is not written down: a step, a knock that was denied. */
  tell(event: GateEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Takes over what is in the kernel and makes it right. @throws FirewallError */
  async adopt(): Promise<void> {
    await this.alone(() => this.projector.restore());
    await this.#bootFile.write();
  }

  /**
   * Tells the kernel which knock ports are bound or watched now. Where it cannot report TCP knocks, UDP goes on alone.
   * @throws FirewallError
   */
  async bindPorts({ udp, tcp }: { udp: readonly number[]; tcp: readonly number[] }): Promise<void> {
    this.projector.knockUdp = udp;
    this.projector.knockTcp = tcp;
    await this.alone(async () => {
      this.problems.delete("tcp");
      try {
        await this.projector.install();
      } catch (error) {
        if (tcp.length === 0) throw error;
        this.projector.knockTcp = [];
        await this.projector.install();
        this.problems.set(
          "tcp",
          `TCP knocks are not reported: ${String(error)}; try: modprobe nfnetlink_log`,
        );
      }
    });
  }

  /** Somebody disturbed the table: looks, and makes it right. Once more for all who ask while that is being done. */
  heal(): Promise<void> {
    return this.#upkeep.heal();
  }

  /** What is due: ends grants that ran out, ends a trial, compares the kernel with the ledger, forgets old history. */
  sweep(): Promise<void> {
    return this.#upkeep.sweep();
  }

  /**
   * Proves for the watchdog that the queue moves and that store and packet filter answer. A full disk is no reason
   * to be restarted (a fresh process has no more room, and a running one still heals the table), so nothing is
   * written. @throws StoreError, FirewallError; does not come back while something hangs
   */
  async probe(): Promise<void> {
    await this.alone(async () => {
      await this.parts.store.read(keys.clock, { limit: 1 });
      await this.parts.firewall.probe();
    });
  }

  /** Gives up the store and ends child processes; the table stays and closes by itself. */
  async close(): Promise<void> {
    await this.#queue.idle; // what is undone in it may be owed to the store
    await this.#writeClock();
    await this.#bootFile.close();
    await this.parts.firewall.close();
    await this.parts.store.close();
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const firewall = this.state.firewall;
    const tx = new Transaction(this.state, this.parts.clock(), this.parts.boot);
    this.#upkeep.decided(jobs.length);
    const answers = jobs.map((job) => decideAlone(this.state, tx, job));
    const failAll = (error: unknown): void => {
      for (const { job } of answers) job.reject(error);
    };
    if (tx.changes) {
      const writes = tx.writes(() => this.#number++);
      const isNote = tx.onlyOpens && !this.problems.has("store"); // nor while anything is owed to it
      const taken = isNote ? this.parts.store.note(writes) : this.#write(writes);
      const projected = this.projector.project(tx, taken); // the kernel's part is prepared while the store works
      projected.catch(() => undefined); // looked at below, but not before the store has answered
      try {
        await taken;
      } catch (error) {
        tx.rollback();
        this.#upkeep.storeFailed(error);
        return failAll(error);
      }
      try {
        await projected;
        this.problems.delete("kernel");
      } catch (error) {
        this.#upkeep.kernelFailed(error);
        await this.#takeBack(tx, firewall);
        return failAll(error);
      }
      try {
        if (isNote) await this.#sync();
      } catch (error) {
        this.#upkeep.storeFailed(error);
        await this.#takeBack(tx, firewall);
        return failAll(error);
      }
    }
    for (const answer of answers) answer.settle();
    this.#tellAll(tx);
  }

  #tellAll(tx: Transaction): void {
    for (const event of tx.events) this.#happened(event);
    if (tx.portsChanged) this.#followSoon();
    if (tx.confirmedChanged) void this.#bootFile.write();
    if (tx.allowlistChanged) this.#bootFile.follow();
    if (tx.namesChanged) this.names?.follow();
    if (tx.cuts.length > 0)
      void this.parts
        .cut(tx.cuts)
        .catch((error) =>
          this.parts.log.warn("sessions were not ended on the server's side", { message: String(error) }),
        );
    const soonest = Math.min(
      ...tx.openings.map(({ ends }) => ends),
      this.#bootFile.due,
      this.state.firewall.trial?.ends ?? Number.POSITIVE_INFINITY,
      this.#upkeep.due,
    );
    this.parts.wake(milliseconds(soonest - this.parts.clock().uptime));
  }

  /** Lets the listeners follow, once for all changes that come before they begin. */
  #followSoon(): void {
    if (this.#willFollow) return;
    this.#willFollow = true;
    this.#following = this.#following
      .then(() => {
        this.#willFollow = false;
        return this.#follow();
      })
      .catch((error) => this.#upkeep.kernelFailed(error));
  }

  /** @throws StoreError */
  async #write(writes: readonly Write[]): Promise<void> {
    const owed = this.#owed;
    await this.parts.store.write(owed.length === 0 ? writes : [...owed, ...writes]);
    this.#owed = [];
    this.problems.delete("store");
  }

  /** @throws StoreError */
  async #sync(): Promise<void> {
    await this.parts.store.sync();
    this.problems.delete("store");
  }

  /**
   * Kernel or disk did not take what the store has: openings are undone, closings stand and are tried again. The kernel
   * closes what it can before the store is asked, which may hang.
   */
  async #takeBack(tx: Transaction, firewall: GateState["firewall"]): Promise<void> {
    const undo = new Transaction(this.state, this.parts.clock(), this.parts.boot);
    for (const { takeBack } of tx.openings.reverse()) takeBack(undo);
    if (this.state.firewall !== firewall) undo.setFirewall(firewall);
    const writes = undo.writes(() => this.#number++);
    await this.projector.project(undo, DONE).catch((error) => this.#upkeep.kernelFailed(error));
    await this.#write(writes).catch((error) => {
      this.#upkeep.storeFailed(error);
      this.#owed = [...this.#owed, ...writes];
    });
    this.#tellAll(undo);
  }

  #happened(event: GateEvent): void {
    this.tally.events.add(`${event.event}/${event.by ?? ""}`);
    this.tell(event);
  }

  /**
   * While doors are open the clock's floor is kept fresh: what is left after a reboot is counted from it. Also
   * written while the store is in trouble, to see whether it still is. Never throws.
   */
  async #writeClock(): Promise<void> {
    const { uptime } = this.parts.clock();
    if (!this.state.ledger.hasLive(uptime) && !this.problems.has("store")) return;
    await this.alone(async () => {
      const value: ClockRecord = { ...this.parts.clock(), boot: this.parts.boot };
      await this.#write([{ key: keys.clock, value }]).catch((error) => this.#upkeep.storeFailed(error));
    });
  }

  #bootText(): string | undefined {
    const plan = this.projector.plan();
    if (plan === undefined || this.state.firewall.confirmed === null) return undefined;
    return bootText(plan, this.projector.allowed());
  }
}

const DONE = Promise.resolve();

/** Takes one decision; a throw takes back what it had changed, and only that. */
function decideAlone(state: GateState, tx: Transaction, job: Job): { job: Job; settle: () => void } {
  const mark = tx.mark();
  try {
    const value = job.decide(state, tx);
    return { job, settle: () => job.resolve(value) };
  } catch (error) {
    tx.rollback(mark);
    return { job, settle: () => job.reject(error) };
  }
}
