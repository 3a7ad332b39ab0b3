import { setImmediate as turn } from "node:timers/promises";
import type { Duration } from "../../duration.ts";
import type { Breathe } from "../../slices.ts";
import type { Counter } from "../chains.ts";
import { FIREWALL_CURES, failureOf } from "../failure.ts";
import { type Change, type Element, FirewallError, type FirewallOutcome } from "../firewall.ts";
import {
  changeRequest,
  counterRequest,
  elementsIn,
  elementsRequest,
  generationIn,
  generationRequest,
  keyTypeIn,
  packetsIn,
  type Request,
  setRequest,
} from "../netlink/elements.ts";
import {
  errnoOf,
  type Message,
  messagesIn,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../netlink/wire.ts";
import { NetlinkSocket } from "./netlink.ts";

const ENOENT = 2;
const EEXIST = 17;
/** How often a listing begins again because somebody changed the set meanwhile. */
const LISTINGS = 20;
/** Messages have numbers of 32 bits; no transaction has as many messages as are left above this. */
const NUMBERS = 2 ** 31;

/** The elements of our sets, and what else is asked often, by netlink: a change takes a tenth of a millisecond, and no process. */
export class NetlinkElements {
  #writing: Promise<NetlinkSocket> | undefined;
  #number = 1;

  /** @param netns a network namespace's file; default: this process's own */
  constructor(private readonly netns?: string) {}

  /**
   * Prepares changes as one transaction. Check them with `changesProblem` first.
   * @param late how long they will have waited since they were asked for
   * @param areNew whatever is put is believed not to be there: `carryOut` then answers "exists" where it is
   */
  request(changes: readonly Change[], late: Duration, areNew: boolean): Request {
    return this.#numbered((number) => changeRequest(changes, { late, areNew }, number));
  }

  /** Carries out what was prepared, or nothing. @throws FirewallError when the kernel cannot be asked */
  async carryOut(request: Request): Promise<FirewallOutcome | "exists"> {
    const socket = await this.#socket();
    let errno: number | undefined; // the first that is not 0; all are heard, for what stays in the socket leaves no room
    for (const message of ask(socket, request)) {
      if (message.type !== NLMSG_ERROR) continue;
      if (errnoOf(message) !== 0 || message.sequence === request.last) errno ||= errnoOf(message);
    }
    if (errno === 0) return { ok: true };
    if (errno !== undefined) return errno === EEXIST ? "exists" : failureOf(errno);
    throw new FirewallError("the packet filter did not say what became of a change", "look at dmesg");
  }

  /**
   * @param breathe called between slices of a long listing; default: a turn of the event loop
   * @returns the elements of the named sets with their time left; of a set that does not exist, none
   * @throws FirewallError
   */
  async list(sets: readonly string[], breathe: Breathe = () => turn()): Promise<Element[]> {
    if (sets.length === 0) return [];
    const socket = await NetlinkSocket.open(this.netns); // its own: a listing takes a while, and changes go on
    try {
      const elements: Element[] = [];
      for (const set of sets)
        for (const element of await this.#listSet(socket, set, breathe)) elements.push(element);
      return elements;
    } finally {
      socket.close();
    }
  }

  /** @returns how many transactions there were, by whomever, as the kernel counts them (32 bits). @throws FirewallError */
  async generation(): Promise<number> {
    const request = this.#numbered(generationRequest);
    const generation = answerOf(await this.#socket(), request, generationIn);
    if (generation !== undefined) return generation;
    throw new FirewallError("the packet filter did not say its generation", "look at dmesg");
  }

  /** @returns how many packets a counter of our table has counted; 0 for one that does not exist. @throws FirewallError */
  async packets(counter: Counter): Promise<number> {
    const request = this.#numbered((number) => counterRequest(counter, number));
    const packets = answerOf(await this.#socket(), request, packetsIn, 0);
    if (packets !== undefined) return packets;
    throw new FirewallError(`the packet filter did not say what ${counter} has counted`, "look at dmesg");
  }

  /** Closes the socket; the next change opens another. */
  async close(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    (await writing?.catch(() => undefined))?.close();
  }

  #socket(): Promise<NetlinkSocket> {
    this.#writing ??= NetlinkSocket.open(this.netns);
    this.#writing.catch(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #listSet(socket: NetlinkSocket, set: string, breathe: Breathe): Promise<Element[]> {
    const keyType = this.#keyType(socket, set);
    if (keyType === undefined) return [];
    for (let n = 0; n < LISTINGS; n++) {
      const listed = await this.#listOnce(socket, { set, keyType }, breathe);
      if (listed !== undefined) return listed;
    }
    throw new FirewallError(`set ${set} changes too fast to be listed`, "look at: nft monitor");
  }

  /** @returns undefined for a set that does not exist */
  #keyType(socket: NetlinkSocket, set: string): number | undefined {
    const request = this.#numbered((number) => setRequest(set, number));
    return answerOf(socket, request, keyTypeIn);
  }

  /** @returns undefined when the set changed meanwhile, or was taken away */
  async #listOnce(
    socket: NetlinkSocket,
    { set, keyType }: { set: string; keyType: number },
    breathe: Breathe,
  ): Promise<Element[] | undefined> {
    const { bytes, last } = this.#numbered((number) => elementsRequest(set, number));
    socket.send(bytes);
    const elements: Element[] = []; // bounded: by the set's size
    for (;;) {
      const datagram = socket.receive();
      if (datagram === undefined) return undefined;
      for (const message of messagesIn(datagram)) {
        if (message.sequence !== last) continue;
        if (message.flags & NLM_F_DUMP_INTR) return undefined;
        if (isMissing(message)) return [];
        if (message.type === NLMSG_DONE) return elements;
        elements.push(...elementsIn(message, set, keyType));
      }
      await breathe(); // some 300 elements took a millisecond, and a knock must not wait for thousands
    }
  }

  #numbered(make: (number: number) => Request): Request {
    const request = make(this.#number);
    this.#number = (request.last + 2) % NUMBERS;
    return request;
  }
}

/** @returns all that the kernel has to say to a request; what it said to earlier ones is thrown away. @throws FirewallError */
function* ask(socket: NetlinkSocket, { bytes, first, last }: Request): Generator<Message> {
  socket.send(bytes);
  for (let datagram = socket.receive(); datagram !== undefined; datagram = socket.receive())
    for (const message of messagesIn(datagram))
      if (message.sequence >= first && message.sequence <= last) yield message;
}

/**
 * Asks for one thing.
 * @param missing what to give for what does not exist
 * @returns what was read in the answer; undefined where it is in none
 * @throws FirewallError
 */
function answerOf<T>(
  socket: NetlinkSocket,
  request: Request,
  read: (message: Message) => T | undefined,
  missing?: T,
): T | undefined {
  let answer: T | undefined;
  for (const message of ask(socket, request)) answer ??= isMissing(message) ? missing : read(message);
  return answer;
}

/** @throws FirewallError for another error */
function isMissing(message: Message): boolean {
  if (message.type !== NLMSG_ERROR) return false;
  const errno = errnoOf(message);
  if (errno === 0 || errno === ENOENT) return errno === ENOENT;
  const { why, message: text } = failureOf(errno);
  throw new FirewallError(text, why === "denied" ? FIREWALL_CURES.denied : "look at dmesg", why);
}
