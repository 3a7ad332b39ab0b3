import type { Address } from "../address.ts";
import type { Allowance } from "../allowance.ts";
import type { Instant } from "../duration.ts";
import type { PortRange } from "../firewall/policy.ts";
import type { GrantedBy } from "../gate/views.ts";
import type { Network } from "../network.ts";
import { NO_REPLAY, type Replay, type Stamp } from "../ssh/replay.ts";
import type { Entry, Write } from "../store/store.ts";
import type { User } from "../users/user.ts";
import { type AllowEntry, MAX_LEFT } from "./allowlist.ts";
import type { EventName, GateEvent } from "./event.ts";
import type { Grant, Pending, Revocation } from "./grant.ts";
import { Picture } from "./picture.ts";
import { project } from "./projection.ts";
import { type ClockRecord, keys } from "./records.ts";
import { type FirewallState, type GateState, projectionRules } from "./state.ts";
import type { Tries } from "./tries.ts";

/** TCP sessions to end on the server's side. */
export interface Cut {
  readonly address: Address;
  readonly ports: readonly PortRange[];
}

/** Something that was opened or renewed: taken back if kernel or disk say no. */
export interface Opening {
  /** Closes it again, as far as nothing that came after has done so. */
  readonly takeBack: (undo: Transaction) => void;
  /** Uptime ms at which it ends by itself; Infinity: never. */
  readonly ends: number;
}

/** What goes to the store; `withDoor`: the record of a door that this opens, worth nothing without the kernel's table. */
type Entered = Write & { readonly withDoor?: true };

/**
 * One group of changes to the gate's state, with all that must follow from them: what to write, what to tell,
 * which addresses to project anew. The state is changed at once; `rollback` takes it back if the store says no.
 */
export class Transaction {
  readonly now: Instant;
  readonly events: GateEvent[] = [];
  readonly cuts: Cut[] = [];
  readonly openings: Opening[] = [];
  /** What the kernel holds for the networks that change, as it was before. */
  readonly touched = new Map<Network, Picture>();
  /** The firewall's state before this transaction, if it changes: the table's rules must be loaded anew. */
  firewallBefore: FirewallState | undefined;
  /** Knock ports changed: the listeners must follow. */
  portsChanged = false;
  /** Entries of the allowlist changed: boot.nft must follow. */
  allowlistChanged = false;
  /** Entries came or went: who looks up names must follow. */
  namesChanged = false;
  readonly #state: GateState;
  readonly #boot: string;
  readonly #writes: Entered[] = [];
  readonly #undo: (() => void)[] = [];
  /** Events that are told and not written down. */
  readonly #told = new Set<GateEvent>();

  constructor(state: GateState, now: Instant, boot: string) {
    this.#state = state;
    this.now = now;
    this.#boot = boot;
  }

  putGrant(grant: Grant): void {
    this.#touch(grant.address);
    const before = this.#state.ledger.put(grant);
    const isOpen = grant.closed === undefined;
    const isShortened =
      isOpen && before !== undefined && before.closed === undefined && grant.ends < before.ends;
    if (isOpen) {
      const takeBack = (undo: Transaction): void => {
        const now = this.#state.ledger.get(grant.id);
        if (now === undefined || now.closed !== undefined || isShortened) return; // a closing stands
        undo.noteGrant("withdrawn", now, null, "kernel or disk did not take it");
        if (before === undefined) undo.forgetGrant(grant.id);
        else undo.putGrant(now.ends < before.ends ? { ...before, ...timesOf(now) } : before); // so does a shorter time
      };
      this.openings.push({ takeBack, ends: grant.ends });
    }
    this.#undo.push(() => (before ? this.#state.ledger.put(before) : this.#state.ledger.remove(grant.id)));
    const value = { ...grant, boot: this.#boot };
    this.#writes.push({
      key: keys.grant(grant.id),
      value,
      ...(isOpen && !isShortened && { withDoor: true }),
    });
  }

  forgetGrant(id: string): void {
    const before = this.#state.ledger.get(id);
    if (before === undefined) return;
    this.#touch(before.address);
    this.#state.ledger.remove(id);
    this.#undo.push(() => this.#state.ledger.put(before));
    this.#writes.push({ key: keys.grant(id) });
  }

  /** Sets a revocation, or with undefined lifts it. */
  setRevocation(address: Address, revocation: Revocation | undefined): void {
    this.#touch(address);
    const before = this.#state.ledger.setRevocation(address, revocation);
    this.#undo.push(() => this.#state.ledger.setRevocation(address, before));
    const value = revocation && { ...revocation, boot: this.#boot };
    this.#writes.push({ key: keys.revocation(address), value });
  }

  /** Lets an address have sessions again, for all services (undefined) or for all but some: part of an opening. */
  liftRevocation(address: Address, rest: Revocation | undefined): void {
    const before = this.#state.ledger.revocation(address);
    this.setRevocation(address, rest);
    const takeBack = (undo: Transaction): void => undo.setRevocation(address, before);
    this.openings.push({ takeBack, ends: Number.POSITIVE_INFINITY });
  }

  /** Adds or replaces an entry of the allowlist. */
  putEntry(entry: AllowEntry): void {
    const before = this.#state.allowlist.get(entry.what);
    for (const network of [...(before?.addresses ?? []), ...entry.addresses]) this.#touch(network);
    this.#state.allowlist.put(entry);
    const takeBack = (undo: Transaction): void => {
      if (this.#state.allowlist.get(entry.what) === undefined) return; // a removal stands
      if (before === undefined) undo.forgetEntry(entry.what);
      else undo.putEntry(before);
    };
    this.openings.push({ takeBack, ends: entry.end?.ends ?? Number.POSITIVE_INFINITY });
    this.#undo.push(() =>
      before ? this.#state.allowlist.put(before) : this.#state.allowlist.remove(entry.what),
    );
    this.#writes.push({ key: keys.allow(entry.what), value: { ...entry, boot: this.#boot } });
    this.allowlistChanged = true;
    if (before === undefined) this.namesChanged = true;
  }

  /** Notes that a name was confirmed: not worth a write to the disk each time. */
  confirmEntry(entry: AllowEntry): void {
    const before = this.#state.allowlist.put(entry);
    if (before !== undefined) this.#undo.push(() => this.#state.allowlist.put(before));
  }

  forgetEntry(what: string): void {
    const before = this.#state.allowlist.get(what);
    if (before === undefined) return;
    for (const network of before.addresses) this.#touch(network);
    this.#state.allowlist.remove(what);
    this.#undo.push(() => this.#state.allowlist.put(before));
    this.#writes.push({ key: keys.allow(what) });
    this.allowlistChanged = true;
    this.namesChanged = true;
  }

  /** Notes that a network has left the allowlist, so that its sessions may go on for keep_max; undefined forgets it. */
  setLeft(network: Network, at: number | undefined): void {
    this.#touch(network);
    const { allowlist } = this.#state;
    const before = allowlist.setLeft(network, at);
    this.#undo.push(() => allowlist.setLeft(network, before));
    const value = at === undefined ? undefined : { network, at, boot: this.#boot };
    this.#writes.push({ key: keys.left(network), value });
    const [oldest] = allowlist.leavers();
    if (oldest !== undefined && allowlist.leaving > MAX_LEFT) this.setLeft(oldest[0], undefined);
  }

  /** Sets a user, or with undefined removes it. */
  setUser(name: string, user: User | undefined): void {
    this.#setIn(this.#state.users, name, user);
    this.#writes.push({ key: keys.user(name), value: user });
    this.portsChanged = true;
  }

  /** Sets a pending request, or with undefined removes it. */
  setPending(id: string, request: Pending | undefined): void {
    this.#setIn(this.#state.pending, id, request);
    this.#writes.push({ key: keys.pending(id), value: request && { ...request, boot: this.#boot } });
  }

  /** Sets what is remembered of somebody's tries, or with undefined forgets it. */
  setTries(who: string, tries: Tries | undefined): void {
    this.#setIn(this.#state.tries, who, tries);
    this.#writes.push({ key: keys.tries(who), value: tries });
  }

  /** Sets how much of the history a user's knocks have made lately, or with undefined forgets it: not written down. */
  setRecorded(user: string, recorded: Allowance | undefined): void {
    this.#setIn(this.#state.recorded, user, recorded);
  }

  /** Raises a user's floor: authenticator steps up to this one are used. */
  raiseOtpStep(user: string, step: number): void {
    this.#setIn(this.#state.otpSteps, user, step);
    this.#writes.push({ key: keys.otpStep(user), value: step });
  }

  /** Sets what is remembered of a user's signed knocks. */
  setReplay(user: string, replay: Replay): void {
    const before = this.#state.replays.get(user) ?? NO_REPLAY;
    this.#setIn(this.#state.replays, user, replay);
    for (const { nonce } of without(before.seen, replay.seen))
      this.#writes.push({ key: keys.nonce(`${user}/${nonce}`) });
    for (const { nonce, time } of without(replay.seen, before.seen))
      this.#writes.push({ key: keys.nonce(`${user}/${nonce}`), value: time });
    if (replay.floor !== before.floor)
      this.#writes.push({ key: keys.replayFloor(user), value: replay.floor });
  }

  /** Notes under which secret the stored secrets are sealed from now on. */
  setVault(id: string): void {
    this.#writes.push({ key: keys.vault, value: id });
  }

  /** Puts entries of an older history back, each at its old place. */
  recall(history: readonly Entry[]): void {
    for (const [key, value] of history) this.#writes.push({ key, value });
    this.#state.lastOpened.forgetPast();
  }

  setDecoys(decoys: readonly number[]): void {
    const before = this.#state.decoys;
    this.#state.decoys = decoys;
    this.#undo.push(() => {
      this.#state.decoys = before;
    });
    this.#writes.push({ key: keys.decoys, value: decoys });
    this.portsChanged = true;
  }

  setFirewall(firewall: FirewallState): void {
    const before = this.#state.firewall;
    this.#state.firewall = firewall;
    this.#undo.push(() => {
      this.#state.firewall = before;
    });
    this.#writes.push({ key: keys.firewall, value: { ...firewall, boot: this.#boot } });
    this.firewallBefore ??= before;
  }

  /** The table's rules must be loaded anew. */
  get tableChanged(): boolean {
    return this.firewallBefore !== undefined;
  }

  /** The confirmed policy changed: boot.nft must follow. */
  get confirmedChanged(): boolean {
    return this.tableChanged && this.firewallBefore?.confirmed !== this.#state.firewall.confirmed;
  }

  /** Notes that something happened; it is written to the history with the rest. @returns what was noted */
  note(event: EventName, about: Partial<Omit<GateEvent, "at" | "event">> = {}): GateEvent {
    const noted = { at: this.now.wall, event, user: null, address: null, by: null, reason: null, ...about };
    this.events.push(noted);
    const unsee = this.#state.lastOpened.see(noted);
    if (unsee !== undefined) this.#undo.push(unsee);
    return noted;
  }

  /**
   * Notes what became of a grant.
   * @param by who did it, which is not always who opened it; null: it came by itself
   * @param isWritten false: it is told to whoever watches, and counted, but is no entry of the history
   */
  noteGrant(
    event: EventName,
    grant: Grant,
    by: GrantedBy | null,
    reason: string | null = null,
    isWritten = true,
  ): void {
    const noted = this.note(event, { user: grant.user, address: grant.address, by, reason });
    if (!isWritten) this.#told.add(noted);
  }

  /** @returns true when there is something for the disk */
  get changes(): boolean {
    return this.#writes.length + this.events.length > 0;
  }

  /**
   * True when this opens doors and does nothing else: nothing is used up, counted, closed or changed. What a power cut
   * takes from the disk it then takes from the kernel too, so the kernel need not wait for the disk.
   */
  get onlyOpens(): boolean {
    return this.openings.length > 0 && this.#writes.every(({ withDoor }) => withDoor);
  }

  /** Everything to write, with the clock's floor; `number` gives each history entry its place within a ms. */
  writes(number: () => number): Write[] {
    const clock: ClockRecord = { ...this.now, boot: this.#boot };
    const written = this.events.filter((event) => !this.#told.has(event));
    const history = written.map((event) => ({ key: keys.history(event.at, number()), value: event }));
    return [...this.#writes, ...history, { key: keys.clock, value: clock }];
  }

  /** Where a decision begins, so that one that fails can be taken back alone. */
  mark(): readonly [number, number, number, number, number] {
    return [
      this.#undo.length,
      this.#writes.length,
      this.events.length,
      this.openings.length,
      this.cuts.length,
    ];
  }

  /**
   * Carries out the second part of a decision: a throw takes back that part alone, and what was decided before stands.
   * @returns what gives its value, or throws what it threw, once the transaction is carried out
   */
  part<T>(decide: () => T): () => T {
    const mark = this.mark();
    try {
      const value = decide();
      return () => value;
    } catch (error) {
      this.rollback(mark);
      return () => {
        throw error;
      };
    }
  }

  /** Takes the state back to a mark (by default: to the start). */
  rollback(mark: readonly [number, number, number, number, number] = [0, 0, 0, 0, 0]): void {
    while (this.#undo.length > mark[0]) this.#undo.pop()?.();
    this.#writes.length = mark[1];
    this.events.length = mark[2];
    this.openings.length = mark[3];
    this.cuts.length = mark[4];
  }

  #setIn<T>(map: Map<string, T>, key: string, value: T | undefined): void {
    const before = map.get(key);
    const set = (to: T | undefined): unknown => (to === undefined ? map.delete(key) : map.set(key, to));
    set(value);
    this.#undo.push(() => set(before));
  }

  #touch(network: Network): void {
    if (this.touched.has(network)) return;
    const rules = projectionRules(this.#state);
    this.touched.set(network, new Picture(project(this.#state, network, this.now.uptime, rules)));
  }
}

const timesOf = ({ length, expires, ends }: Grant) => ({ length, expires, ends });

/** @returns the stamps of one list whose nonces are not in another */
function without(stamps: readonly Stamp[], others: readonly Stamp[]): Stamp[] {
  const known = new Set(others.map(({ nonce }) => nonce));
  return stamps.filter(({ nonce }) => !known.has(nonce));
}
