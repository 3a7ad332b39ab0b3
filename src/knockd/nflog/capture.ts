import { UNPRINTABLE } from "../../shared/log/unprintable.ts";
import type { Knock } from "../tracker.ts";
import { knockOf } from "./knock.ts";
import { PCAP_START, type PcapState, readPcap } from "./pcap.ts";

/** How much of tcpdump's words is remembered, in characters: its complaint is the last of them. */
const MOST_SAID = 2_000;

/** One tcpdump's life, as it can be read: its stream of packets, and its words about itself. */
export class Capture {
  #state: PcapState = PCAP_START;
  #fault: string | undefined;
  // bounded: MOST_SAID
  #said = "";

  /** Reads a piece of its stdout. @returns what each packet in it is; undefined once the stream makes no sense */
  read(piece: Buffer): (Knock | undefined)[] | undefined {
    if (this.#fault !== undefined) return undefined;
    const read = readPcap(this.#state, piece);
    if (!read.ok) {
      this.#fault = read.fault;
      return undefined;
    }
    this.#state = read.state;
    return read.records.map(knockOf);
  }

  /** True once it listens: the stream's header has come. */
  get begun(): boolean {
    return this.#state.begun;
  }

  /** Hears a piece of its stderr. */
  hear(text: string): void {
    this.#said = (this.#said + text).slice(-MOST_SAID);
  }

  /** Why it ended, for people: what was wrong with its stream, or its own complaint. */
  get why(): string {
    if (this.#fault !== undefined) return `what tcpdump writes cannot be read: ${this.#fault}`;
    return complaintOf(this.#said) ?? "tcpdump ended";
  }
}

function complaintOf(said: string): string | undefined {
  const lines = said.split("\n").filter((line) => /^(tcpdump|setpriv): /.test(line));
  return lines
    .findLast((line) => !/: listening on |packets? (captured|received|dropped)/.test(line))
    ?.replace(UNPRINTABLE, " ")
    .slice(0, 200);
}
