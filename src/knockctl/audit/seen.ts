import type { Address } from "../../shared/address.ts";
import type {
  AllowView,
  GrantView,
  ListenerView,
  PlanView,
  StatusView,
  UserView,
} from "../../shared/gate/views.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import type { HostFirewall } from "../integrate/survey.ts";
import type { Verdict } from "./verdict.ts";

/** A socket that waits for others, and whose it is. */
export interface Listener extends ListenerView {
  readonly address: Address;
}

/** A file or folder of ours, as it is on the disk. */
export interface FileMode {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** The most that it may have. */
  readonly limit: number;
}

/** How boot.nft stands. */
export type BootFile = "whole" | "damaged" | "missing";

/** The machine, as an audit sees it; what could not be looked at is undefined. */
export interface Machine {
  readonly firewall: HostFirewall | undefined;
  // bounded: by the sockets of the host
  readonly listeners: readonly Listener[];
  /** What systemd says of our units, by name; undefined where systemd does not run. */
  readonly units: ReadonlyMap<string, string> | undefined;
  readonly files: readonly FileMode[];
  readonly boot: BootFile;
  /** sshd's settings in force (`sshd -T`), keys in lower case; undefined: no sshd, or it does not say. */
  readonly sshd: ReadonlyMap<string, string> | undefined;
  readonly clockIsSynchronized: boolean | undefined;
  /** Which of the programs that we may need are installed. */
  readonly tools: ReadonlySet<string>;
  /** net.core.rmem_max, bytes. */
  readonly receiveBuffer: number | undefined;
}

/** All that an audit looks at: read once, then judged by pure checks. */
export interface Seen {
  /** How a person starts knockctl here, for commands that fix something. */
  readonly self: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly settings: Settings;
  readonly machine: Machine;
  readonly status: StatusView;
  readonly plan: PlanView;
  readonly users: readonly UserView[];
  readonly grants: readonly GrantView[];
  readonly allowed: readonly AllowView[];
  /** Stored users' problems under the settings in force. */
  readonly problems: readonly string[];
  /** What `phone check` came to; nothing where the phone is off. */
  readonly phone: readonly Verdict[];
}

/** Looks at one thing. Pure: what it wants to know is in `seen`. */
export type Check = (seen: Seen) => readonly Verdict[];
