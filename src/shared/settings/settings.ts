import type { Duration } from "../duration.ts";
import type { Policy } from "../firewall/policy.ts";

/** Where an instance keeps its files; all absolute. */
export interface Paths {
  /** The settings file itself. */
  readonly config: string;
  /** The state folder; also the name of this instance in the table's comment. */
  readonly state: string;
  /** The store: `<state>/db`. */
  readonly db: string;
  /** `<state>/boot.nft`. */
  readonly boot: string;
  /** The folder of the sockets. */
  readonly run: string;
  readonly adminSocket: string;
  readonly phoneSocket: string;
  readonly secret: string;
  readonly ariSecret: string;
  readonly sounds: string;
}

/** The settings file, decoded: every default filled in, every duration in milliseconds. */
export interface Settings {
  readonly paths: Paths;
  readonly server: { readonly name: string };
  readonly knock: {
    readonly ports: { readonly from: number; readonly to: number };
    readonly window: Duration;
    readonly decoys: number;
    /** Addresses to listen on, canonical. */
    readonly listen: readonly string[];
  };
  readonly access: {
    readonly ttl: Duration;
    readonly maxTtl: Duration;
    readonly maxGrantsPerUser: number;
    readonly ipv6Prefix: 128 | 64;
    readonly privateAddresses: boolean;
  };
  /** What `firewall apply` would try: [firewall], [services] and [access] on_expiry, keep_max. */
  readonly policy: Policy;
  readonly allow: {
    /** Whom to ask for names: addresses, with a port or without. Empty: the system's resolvers. */
    readonly resolvers: readonly string[];
  };
  readonly phone: {
    readonly enabled: boolean;
    readonly url: string;
    readonly username: string;
    readonly app: string;
    readonly extension: string;
    readonly context: string;
    readonly callback: string;
    readonly maxCalls: number;
    readonly sounds: "core" | "knockline";
    readonly pending: Duration;
    /** A caller's silence: before the first key of an entry, and between two. */
    readonly firstDigit: Duration;
    readonly betweenDigits: Duration;
    readonly longestCall: Duration;
    /** How long a call-back rings. */
    readonly ring: Duration;
  };
  readonly history: { readonly keep: Duration };
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
}
