import type {
  AllowLookupView,
  AllowView,
  ClientView,
  EventView,
  GrantView,
  ListenerView,
  MetricFamily,
  PendingRequestView,
  PlanView,
  ShownOnce,
  StatusView,
  UserExport,
  UserSettings,
  UserView,
} from "./views.ts";

/** A user as `user add` and `user set` are asked for him; what is not named stays. */
export interface UserWishes extends Partial<UserSettings> {
  steps?: ("udp" | "tcp")[];
  /** true: draw one; null: take it away. */
  pin?: string | true | null;
  /** true: draw a new authenticator secret; null: take it away. */
  otp?: true | null;
  /** Lines of authorized_keys, or a .pub file, in place of the keys there were; null: take them away. */
  ssh_keys?: string | null;
}

/** An entry of the allowlist as it is asked for. `what`: an address, a network or a DNS name. */
export interface AllowWish {
  what: string;
  /** Default: all. */
  services?: string[];
  note?: string;
  /** ISO 8601; default: it stays. */
  expires?: string;
}

/** Every question an admin may ask the gate: `verb: { args, result }`. The socket and the local gate answer alike. */
export interface AdminVerbs {
  status: { args: Record<string, never>; result: StatusView };
  metrics: { args: Record<string, never>; result: { families: MetricFamily[] } };
  list: { args: Record<string, never>; result: { grants: GrantView[] } };
  grant: {
    args: { address: string; user?: string; services?: string[]; ttl?: number; reason?: string };
    result: { grant: GrantView; renewed: boolean; notes: string[] };
  };
  extend: { args: { id: string; ttl: number }; result: { grant: GrantView; notes: string[] } };
  revoke: {
    /** `what`, one of: a grant's id, an address, a user's name; or all of a user, whatever he is called; or all. */
    args: { what?: string; user?: string; all?: boolean; keep_sessions?: boolean };
    result: { revoked: GrantView[]; notes: string[] };
  };
  /** `since`: ISO 8601. Oldest first. */
  history: { args: { since?: string; user?: string; address?: string }; result: { events: EventView[] } };
  /**
   * `what`: a user's name or an address. Answered with {} at once; then comes a line `{"event"}`, with this result, an event,
   * until the asker hangs up.
   */
  watch: { args: { what?: string; user?: string }; result: EventView };
  user_add: {
    args: { name: string } & UserWishes;
    result: { user: UserView; once: ShownOnce; notes: string[] };
  };
  /** `new_client`: a client that was made before does not fit any more. */
  user_set: {
    args: { name: string } & UserWishes;
    result: { user: UserView; once: ShownOnce; notes: string[]; new_client: boolean };
  };
  user_list: { args: Record<string, never>; result: { users: UserView[] } };
  user_show: { args: { name: string }; result: { user: UserView } };
  /** At least one of the three; `pin` may be given instead of drawn. */
  user_rotate: {
    args: { name: string; ports?: boolean; pin?: string | true; otp?: true };
    result: { user: UserView; once: ShownOnce; notes: string[] };
  };
  user_remove: { args: { name: string }; result: { user: UserView; revoked: GrantView[] } };
  user_client: { args: { name: string }; result: ClientView };
  /** `vault`: id of the secret that the exported secrets are stored under; absent without them. */
  user_export: {
    args: { name?: string; secrets?: boolean };
    result: { vault?: string; users: UserExport[] };
  };
  /** Makes users what is said of them, all or none; who is not named stays as he is. */
  user_import: {
    args: { vault?: string; users: UserExport[] };
    result: { users: { name: string; change: "added" | "changed" | "unchanged"; once: ShownOnce }[] };
  };
  pending: { args: Record<string, never>; result: { pending: PendingRequestView[] } };
  approve: { args: { id: string }; result: { grant: GrantView } };
  deny: { args: { id: string }; result: { pending: PendingRequestView } };
  /** Forgives wrong tries: of a user, a caller (`PJSIP/201`, `+49...`), `strangers`, or `all`. */
  unlock: { args: { who: string }; result: { unlocked: string[] } };
  /** `wide`: a very wide network is meant. */
  allow_add: {
    args: AllowWish & { wide?: boolean };
    result: { entry: AllowView; placed: "added" | "changed" | "same"; notes: string[] };
  };
  allow_list: { args: Record<string, never>; result: { entries: AllowView[] } };
  allow_remove: {
    args: { what: string; keep_sessions?: boolean };
    result: { entry: AllowView; notes: string[] };
  };
  /** One name at once; all without one: knockd then looks them up by and by. */
  allow_refresh: { args: { name?: string }; result: { entries: AllowView[]; notes: string[] } };
  /** All or none; `line` is told with what is wrong. */
  allow_import: {
    args: { entries: (AllowWish & { line: number })[]; wide?: boolean };
    result: { added: number; changed: number; same: number; notes: string[] };
  };
  allow_lookup: { args: { address: string }; result: AllowLookupView };
  /** `listening`: what the asker sees of this host's sockets, for the gate sees no other user's; `ssh_peers`: who is logged in. */
  firewall_plan: { args: { listening?: ListenerView[]; ssh_peers?: string[] }; result: PlanView };
  /** `confirm`: seconds of trial; `now`: confirm at once. `keep`: addresses to hold open for 15 minutes, `ssh_ports` the ports for it. */
  firewall_apply: {
    args: { confirm?: number; now?: boolean; keep?: string[]; ssh_ports?: number[] };
    result: { state: "confirmed" | "trial"; ends: string | null; kept: GrantView[]; notes: string[] };
  };
  firewall_confirm: { args: Record<string, never>; result: { state: "confirmed" } };
  firewall_rollback: {
    args: Record<string, never>;
    result: { state: "rolled back" | "nothing to roll back" };
  };
  firewall_teardown: { args: Record<string, never>; result: { state: "removed" } };
  /** All that a backup holds, secrets and all. `vault`: id of the secret that they are sealed under. */
  backup: {
    args: Record<string, never>;
    result: { records: (readonly [string, unknown])[]; vault: string; made: string; server: string };
  };
  /** Puts a backup in the place of the users that are here; without `force` only where there are none. */
  restore: {
    args: { records: (readonly [string, unknown])[]; vault: string; made: string; force?: boolean };
    /** `allowed_again`: entries of the allowlist that were not here any more, the first of them by name. */
    result: {
      users: string[];
      events: number;
      closed: GrantView[];
      allowed_again: { count: number; first: string[] };
      notes: string[];
    };
  };
  /** Problems of stored users under the settings in force (a port that a setting now covers ...). */
  check: { args: Record<string, never>; result: { problems: string[] } };
}

/** A question's name. */
export type Verb = keyof AdminVerbs;

/** Why the gate said no; knockctl turns each into an exit code (1 refused, 2 usage, 3 not found, 4 no permission, 5 broken). */
export type RefusalCode = "refused" | "usage" | "not_found" | "no_permission" | "broken";

/** A no, in two lines: what, and what to do. Thrown on the asker's side, sent as `error` on the wire. */
export class Refusal extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly cure: string,
  ) {
    super(message);
    this.name = "Refusal";
  }
}

/** Whoever answers questions: the gate in this process, or the one behind the admin socket. */
export interface Asker {
  /** @throws Refusal */
  ask<V extends Exclude<Verb, "watch">>(
    verb: V,
    args: AdminVerbs[V]["args"],
  ): Promise<AdminVerbs[V]["result"]>;
  /** Streams events until the caller stops reading. @throws Refusal (`broken` when no knockd runs: there is nothing to watch) */
  watch(args: AdminVerbs["watch"]["args"]): AsyncIterable<EventView>;
  close(): Promise<void>;
}
