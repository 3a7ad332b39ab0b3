import { seconds } from "../shared/duration.ts";
import type { CallEffect, CallEvent, CallSettings } from "./call/call.ts";
import { mediaOf } from "./call/prompts.ts";

/** Longer than the words take. */
const LIMIT = seconds(10);

/** What is said to whoever calls while `max_calls` others do: "sorry, please call later". A machine like `step`. */
export function turnAway(
  state: "new" | "saying" | "ended",
  event: CallEvent,
  settings: CallSettings,
): { state: "new" | "saying" | "ended"; effects: readonly CallEffect[] } {
  if (state === "new" && event.kind === "start") {
    const media = mediaOf(["unavailable", "goodbye"], settings);
    return {
      state: "saying",
      effects: [
        { kind: "answer" },
        { kind: "play", media, interruptible: false },
        { kind: "timer", timer: "prompt", after: LIMIT },
      ],
    };
  }
  const over = state === "saying" && (event.kind === "played" || event.kind === "timeout");
  return over ? { state: "ended", effects: [{ kind: "hang_up" }] } : { state, effects: [] };
}
