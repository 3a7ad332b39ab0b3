import type { GateAnswer, Question } from "./call/call.ts";

/**
 * The port to the gate for one call: each has a line of its own, so that an answer one caller has to wait for delays
 * nobody else. Never throws.
 */
export interface GateLine {
  /** @returns true when the gate is there: connects when need be */
  ready(): Promise<boolean>;
  /** Asks; one question after the other. @returns undefined when the gate cannot be reached, or went away */
  ask(question: Question): Promise<GateAnswer | undefined>;
  close(): void;
}

/** Makes a line; it connects at its first use. */
export type OpenGateLine = () => GateLine;
