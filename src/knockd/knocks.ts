import { type Denial, Denied } from "../shared/access/denial.ts";
import type { EventName } from "../shared/access/event.ts";
import type { Gate } from "../shared/access/gate.ts";
import { isLive } from "../shared/access/grant.ts";
import { open } from "../shared/access/grants.ts";
import { consumeOtp, consumeSigned, countOtp } from "../shared/access/one-time.ts";
import { ask } from "../shared/access/pending.ts";
import type { GateState } from "../shared/access/state.ts";
import type { Transaction } from "../shared/access/transaction.ts";
import { type Address, parseAddress, prefix64 } from "../shared/address.ts";
import { type Duration, seconds } from "../shared/duration.ts";
import { LimitedLog } from "../shared/log/limited.ts";
import { NO_REPLAY } from "../shared/ssh/replay.ts";
import { StoreError } from "../shared/store/store.ts";
import type { User } from "../shared/users/user.ts";
import type { Proved } from "./proofs/proof.ts";
import { prove as proveByUser, rehearseProof } from "./proofs/prove.ts";
import { Recent } from "./recent.ts";
import { type Later, Rehearsal } from "./rehearsal.ts";
import { type Attempts, type Knock, type KnownPorts, knownPorts, newAttempts, track } from "./tracker.ts";

/** Good payloads remembered. */
const REMEMBERED = 4_096;

/** A payload that its proof said yes to. */
type Good = Extract<Proved, { ok: true }>;

/** What is rehearsed with; a decision that is carried out never sees it. */
const NOTHING_PROVED: Good = { ok: true, code: null };

/** Leads knocks from the listeners to the gate: sequence, then proof, then the one door. */
export class Knocks {
  readonly #gate: Gate;
  readonly #prover: typeof proveByUser;
  readonly #attempts: Attempts = newAttempts();
  readonly #strangers: LimitedLog;
  /** Payloads that were good, by user and source: our clients send theirs up to three times. */
  readonly #admitted = new Recent<string, Buffer>(REMEMBERED);
  readonly #rehearsal: Rehearsal;
  #ports: KnownPorts = new Map();
  #window: Duration = seconds(30);

  /**
   * @param prove checks the last knock's payload: asked for whole sequences only, which a test counts
   * @param later runs what keeps the way warm; default: never
   */
  constructor(gate: Gate, prove: typeof proveByUser = proveByUser, later: Later = () => {}) {
    this.#gate = gate;
    const { log, clock } = gate.parts;
    this.#strangers = new LimitedLog(log, clock, "knocks were denied that had no line of their own");
    this.#prover = prove;
    this.#rehearsal = new Rehearsal(later);
    this.settle();
  }

  /** Takes over users, decoys and window from the gate's state, after any of them changed. */
  settle(): void {
    const { users, decoys, settings } = this.#gate.state;
    this.#ports = knownPorts(users.values(), decoys);
    this.#window = settings.knock.window;
  }

  /**
   * Takes one knock. Never throws, never answers.
   * @param payload the datagram's bytes
   * @param now monotonic ms
   */
  take(knock: Knock, payload: Buffer, now: number): void {
    const outcome = track(this.#attempts, knock, now, this.#ports, this.#window);
    if (outcome === undefined) return;
    this.#gate.tally.knocks.add(outcome.kind === "ignored" ? "repeat" : outcome.kind);
    if (outcome.kind === "complete") void this.#complete(outcome.user, knock.source, payload);
    else if (outcome.kind === "denied") this.#deny(outcome.reason, outcome.user, knock.source);
    else {
      const reason =
        outcome.kind === "step" ? `${outcome.step} of ${outcome.of}` : "a repeat of the step before";
      this.#tell(outcome.kind, outcome.user, knock.source, reason);
    }
    if (outcome.kind === "step" && outcome.step === outcome.of - 1)
      this.#getReady(outcome.user, knock.source);
    if (outcome.kind === "complete") this.#rehearsal.end();
  }

  /** One knock is missing. What it proves is not known yet, and nothing of it is tried; what follows is the same for all. */
  #getReady(name: string, source: string): void {
    const user = this.#gate.state.users.get(name);
    const address = parseAddress(source);
    if (user === undefined || address === undefined) return;
    this.#rehearsal.begin(() => {
      rehearseProof(user);
      this.#gate.rehearse((state, tx) => this.#admit(state, tx, user, address, NOTHING_PROVED));
    });
  }

  async #complete(name: string, source: string, payload: Buffer): Promise<void> {
    const user = this.#gate.state.users.get(name);
    const address = parseAddress(source);
    if (user === undefined) return this.#deny("user_unknown", name, source);
    if (address === undefined) return this.#deny("address_refused", name, source);
    if (user.proof !== "none" && this.#isOpenBy(name, source, payload)) {
      this.#tell("ignored", name, source, "already open, or asked for");
      return;
    }
    try {
      const good = this.#prove(payload, user);
      // counted before it is compared, so that a crash forgives no try
      if (good.otp !== undefined) await this.#gate.run((state, tx) => countOtp(state, tx, name, source));
      const admitted = await this.#gate.run((state, tx) => {
        this.#useUp(state, tx, user, source, good);
        return tx.part(() => this.#admit(state, tx, user, address, good));
      });
      const tell = admitted();
      tell();
      this.#admitted.set(`${name} ${source}`, payload);
    } catch (error) {
      if (!(error instanceof Denied))
        this.#gate.parts.log.error("a good knock could not be honoured", {
          user: name,
          address,
          message: String(error),
        });
      const { reason, detail } = denialOf(error);
      this.#deny(reason, name, source, detail);
      // bounded by the counting of codes: the history of a user who is guessed at is worth its bytes
      if (reason === "otp_wrong") await this.#remember("otp-wrong", name, address);
    }
  }

  /** @throws Denied */
  #prove(payload: Buffer, user: User): Good {
    const { settings, replays } = this.#gate.state;
    const replay = replays.get(user.name) ?? NO_REPLAY;
    const { wall } = this.#gate.parts.clock();
    const proved = this.#prover(payload, { user, server: settings.server.name, replay, now: wall });
    if (!proved.ok) throw new Denied(proved.reason, proved.detail);
    return proved;
  }

  /**
   * Makes what was proved worthless for a second time. It is on the disk in one piece with the grant, and so before
   * the kernel opens; where policy says no to the grant, it is used up all the same. @throws Denied
   */
  #useUp(state: GateState, tx: Transaction, user: User, source: string, { otp, signed }: Good): void {
    if (otp !== undefined) consumeOtp(state, tx, user, source, otp, this.#gate.parts.vault);
    if (signed !== undefined) consumeSigned(state, tx, user.name, signed);
  }

  async #remember(event: EventName, user: string, address: Address): Promise<void> {
    await this.#gate
      .run((_state, tx) => tx.note(event, { user, address, by: "knock" }))
      .catch((error) =>
        this.#gate.parts.log.error("the history was not written", { message: String(error) }),
      );
  }

  /** The same payload from the same source, while what it opened or asked for is there: a repeat, no replay. */
  #isOpenBy(user: string, source: string, payload: Buffer): boolean {
    if (!this.#admitted.get(`${user} ${source}`)?.equals(payload)) return false;
    const { ledger, pending } = this.#gate.state;
    const { uptime } = this.#gate.parts.clock();
    const address = parseAddress(source);
    if (address === undefined) return false;
    const isHis = (door: { user: string | null; address: Address }) =>
      door.user === user && (door.address === address || door.address === prefix64(address));
    return (
      ledger.ofUser(user).some((grant) => isLive(grant, uptime) && isHis(grant)) ||
      [...pending.values()].some((request) => request.ends > uptime && isHis(request))
    );
  }

  /**
   * Opens the door, or, where the user needs an approval, asks for it.
   * @returns what logs it, for when it is on the disk and in the kernel: not true before, and it would cost time
   * @throws Denied
   */
  #admit(state: GateState, tx: Transaction, user: User, address: Address, good: Good): () => void {
    const { log, freshId } = this.#gate.parts;
    const { code, signed } = good;
    // what was proved, was proved by keys and rules that may be gone by now
    if (state.users.get(user.name) !== user) throw new Denied("user_changed");
    const named = signed?.address ?? address;
    if (named !== address) throw new Denied("ssh_address");
    const about = { user: user.name, address, proof: user.proof };
    const facts = { ...about, ...(signed && { key: signed.key }) };
    const length = signed?.length ?? null; // more than is allowed is shortened
    if (user.approval !== "none") {
      const { id } = ask(state, tx, { ...about, code, length }, freshId);
      return () => log.info("a good knock waits for its approval", { ...facts, approval: user.approval, id });
    }
    const ttl = length ?? undefined;
    const { grant, renewed } = open(state, tx, { ...about, by: "knock", ...(ttl && { ttl }) }, freshId);
    const { id, services } = grant;
    const fields = { ...facts, services, seconds: Math.round(grant.length / 1000), id };
    return () => log.info(renewed ? "renewed by a knock" : "opened by a knock", fields);
  }

  #deny(reason: Denial, user: string | null, source: string, detail: string | null = null): void {
    this.#gate.tally.denials.add(reason);
    const why = detail === null ? reason : `${reason}: ${detail}`;
    this.#tell("denied", user, source, why);
    const facts = { reason, ...(detail !== null && { detail }), user, address: source };
    this.#strangers.info("a knock was denied", facts);
  }

  #tell(event: EventName, user: string | null, source: string, reason: string): void {
    if (!this.#gate.isWatched) return; // a flood of strangers must not cost an object each when nobody looks
    const address: Address | null = parseAddress(source) ?? null;
    this.#gate.tell({ at: this.#gate.parts.clock().wall, event, user, address, by: "knock", reason });
  }
}

function denialOf(error: unknown): Pick<Denied, "reason" | "detail"> {
  if (error instanceof Denied) return error;
  return { reason: error instanceof StoreError ? "store_failed" : "kernel_failed", detail: null };
}
