import type { LinkEvent, Ringing } from "./link.ts";

/**
 * What phone-auth and its child that runs ari-client say to each other: one JSON object a line, the first line to
 * the child being the Credentials. A child serves one connection to Asterisk; when that ends, so does the child.
 */

/** Where Asterisk is and how to get in. Reach the child by its stdin only: never argv, environment or a log. */
export interface Credentials {
  /** `http://127.0.0.1:8088` */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly app: string;
}

/** What the child is told to do. */
export type Command =
  | { readonly do: "answer" | "hang_up"; readonly channel: string }
  | {
      readonly do: "play";
      readonly channel: string;
      readonly playback: string;
      readonly media: readonly string[];
    }
  | { readonly do: "stop"; readonly playback: string }
  | { readonly do: "variable"; readonly channel: string; readonly name: string }
  | ({ readonly do: "ring" } & Ringing)
  /** Heartbeat: the whole way round, by a user event that Asterisk sends back to our application. */
  | { readonly do: "ping" };

/** A command with the number that its answer bears. */
export type Order = Command & { readonly id: number };

/** What the child says. */
export type Report =
  /** `waiting`: Asterisk does not answer (yet). All but `waiting` and `up` are its last words. */
  | { readonly say: "waiting" | "refused" | "lost"; readonly why: string }
  | { readonly say: "up" | "replaced" }
  | { readonly say: "event"; readonly event: Exclude<LinkEvent, { kind: "state" }> }
  | { readonly say: "done"; readonly id: number; readonly value?: string }
  | { readonly say: "failed"; readonly id: number; readonly gone: boolean; readonly message: string };
