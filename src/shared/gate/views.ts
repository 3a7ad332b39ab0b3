/**
 * What the gate answers, as JSON: the shapes that `--json` prints. Keys may be added, none renamed.
 * Times are ISO 8601 UTC, durations whole seconds.
 */

/** How a grant came about. */
export type GrantedBy = "knock" | "phone" | "admin";
/** What a user must show in the last knock. */
export type ProofName = "none" | "otp" | "ssh";
/** What a valid knock must wait for. */
export type ApprovalKind = "none" | "phone" | "call";

/** A live grant. */
export interface GrantView {
  id: string;
  user: string | null;
  address: string;
  services: string[];
  by: GrantedBy;
  proof: ProofName | null;
  since: string;
  expires: string;
  /** Seconds. */
  left: number;
  /** Seconds from the last (re)opening to the end: the bar's full length. */
  length: number;
  reason?: string;
}

/** An entry of the allowlist. */
export interface AllowView {
  /** The address, network or name: what it is called by. */
  what: string;
  kind: "address" | "network" | "name";
  /** What is let in now: of a name, the last good answer. */
  addresses: string[];
  /** Empty: all. */
  services: string[];
  note: string | null;
  added: string;
  /** Seconds since a name's addresses were last confirmed; null: not a name, or never answered. */
  age: number | null;
  /** Since when and why they cannot be confirmed; null: the last look-up was good. */
  failing: { since: string; why: string } | null;
  expires: string | null;
  /** Seconds; null: it stays. */
  left: number | null;
}

/** What covers an address. */
export interface AllowLookupView {
  address: string;
  entries: AllowView[];
  /** Its names in DNS, as somebody outside gave them. */
  reverse: string[];
}

/** What an admin sets of a user: shown, exported and wished for in the same words. */
export interface UserSettings {
  proof: ProofName;
  services: string[];
  /** Seconds; null: the setting of [access] holds. */
  ttl: number | null;
  max_ttl: number | null;
  approval: ApprovalKind;
  enabled: boolean;
  expires: string | null;
  /** Number to call back. */
  phone: string | null;
  /** Caller IDs that may use the PIN; empty: any. */
  callers: string[];
}

/** What is told of a user, whoever asks. */
export interface UserProfile extends UserSettings {
  name: string;
  /** Whether there is a phone PIN, and an authenticator. */
  has_pin: boolean;
  has_otp: boolean;
}

/** A user. */
export interface UserView extends UserProfile {
  steps: { proto: "udp" | "tcp"; port: number }[];
  /** When the knock ports were drawn. */
  ports_since: string;
  /** Fingerprints of the keys that may sign the knocks. */
  ssh_keys: string[];
}

/** A user as configuration management keeps him. */
export interface UserExport extends UserProfile {
  /** Kind of each step; its port is a secret. */
  steps: ("udp" | "tcp")[];
  /** Lines as of authorized_keys. */
  ssh_keys: string[];
  /** PIN and authenticator as they are stored: worth something only under the same secret file. */
  secrets?: { ports: number[]; pin: string | null; otp: string | null };
}

/** A request that waits for approval. */
export interface PendingRequestView {
  id: string;
  user: string;
  address: string;
  services: string[];
  since: string;
  expires: string;
}

/** What `user add` and `user rotate` show once and never again. */
export interface ShownOnce {
  pin?: string;
  otp_uri?: string;
}

/** What a knock client must know; `user client` is made from it. */
export interface ClientView {
  server: string;
  user: string;
  steps: { proto: "udp" | "tcp"; port: number }[];
  proof: ProofName;
  approval: ApprovalKind;
  /** What to dial for an approval by phone. */
  extension: string;
  /** Seconds that a request waits for its approval. */
  pending: number;
  /** Knock window in seconds. */
  window: number;
  services: { name: string; ports: string[] }[];
  /** First TCP port of the user's services: what the client probes. null: only UDP services. */
  probe: number | null;
}

/** One line of `history`, and one event of `watch`. */
export interface EventView {
  at: string;
  event: string;
  user: string | null;
  address: string | null;
  by: GrantedBy | null;
  reason: string | null;
}

/** `knockctl status`. */
export interface StatusView {
  ok: boolean;
  knockd: { state: "running" | "stopped"; since: string | null; problems: string[] };
  phone: { state: "off" | "connecting" | "up" | "refused" | "replaced" };
  firewall: {
    /** `unknown`: the packet filter could not be asked; `problems` say why. */
    state: "ok" | "missing" | "altered" | "trial" | "unknown";
    guard: string;
    /** The bit that the host's own firewall must accept; null where our table alone decides (`mode = "guard"`). */
    accept_mark: number | null;
    /** True when the settings' policy is not the confirmed one. */
    pending: boolean;
    /** ISO time at which a trial rolls back; null when there is none. */
    trial_ends: string | null;
    /** Knocks dropped in the kernel since the table was made. */
    drops: { scanner: number; rate: number; global: number } | null;
  };
  grants: number;
  /** `failing`: names that cannot be confirmed; `oldest`: seconds since the least lately confirmed one was. */
  allowlist: { entries: number; names: number; failing: number; oldest: number | null };
}

/** A port that somebody on this host listens at, for others than this host. */
export interface ListenerView {
  proto: "udp" | "tcp";
  port: number;
  /** The program; null when it may not be seen. */
  process: string | null;
}

/** A listening port that a change of policy closes to strangers, or opens to them. */
export interface DoorView extends ListenerView {
  change: "closes" | "opens";
  /** The service whose grants open it; null: no grant does. */
  service: string | null;
}

/** Who is not shut out when doors close. */
export interface StayView {
  /** How many addresses and networks the allowlist has. */
  allowlist: number;
  trusted_interfaces: string[];
  grants: { address: string; services: string[] }[];
  /** Who is logged in by SSH now; `apply` holds their door open for a quarter of an hour. */
  ssh_peers: string[];
}

/** One value of a metric. */
export interface MetricSample {
  labels: Record<string, string>;
  value: number;
}

/** A metric with all its values. */
export interface MetricFamily {
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: MetricSample[];
}

/** `firewall plan`. */
export interface PlanView {
  /** True when there is nothing to apply. */
  same: boolean;
  /** What would change, a sentence a line. */
  changes: string[];
  /** How the kernel's table is now; `missing` and `altered` it is loaded anew by itself, or by `apply`. */
  loaded: StatusView["firewall"]["state"];
  /** The listening ports that change hands; sessions under way go on. */
  doors: DoorView[];
  stay: StayView;
  /** The nft text that would be loaded. */
  text: string;
}
