import * as z from "zod";
import { type Address, parseGrantAddress } from "../../address.ts";
import type { Duration } from "../../duration.ts";
import { isInterfaceName, isServiceName } from "../../firewall/policy.ts";
import { type Network, parseNetwork } from "../../network.ts";
import type { Stamp } from "../../ssh/replay.ts";
import { damagedRecord } from "../../store/migrations.ts";
import type { Entry } from "../../store/store.ts";
import type { User } from "../../users/user.ts";
import type { GateEvent } from "../event.ts";
import type {
  AllowRecord,
  ClockRecord,
  FirewallRecord,
  GrantRecord,
  LeftRecord,
  PendingRecord,
  RevocationRecord,
} from "../records.ts";
import type { Tries } from "../tries.ts";

const duration = z.number().transform((n) => n as Duration);
const address = z.string().transform((text, context): Address => {
  const parsed = parseGrantAddress(text);
  if (parsed === undefined) context.addIssue("no address");
  return parsed ?? ("" as Address);
});
/** Wall clock ms: what a Date can hold (ECMA-262, 21.4.1.1). */
const moment = z.number().min(0).max(8.64e15);
const network = z.string().transform((text, context): Network => {
  const parsed = parseNetwork(text);
  if (!parsed?.ok) context.addIssue("no network");
  return parsed?.ok ? parsed.network : ("" as Network);
});
const names = z.array(z.string());
const proof = z.enum(["none", "otp", "ssh"]);
const by = z.enum(["knock", "phone", "admin"]);
const port = z.int().min(1).max(65535);
const range = z.object({ proto: z.enum(["tcp", "udp"]), from: port, to: port });

/** Names go into nft text: they are as strict here as in the settings, whoever wrote the store. */
const policy = z.object({
  guard: z.enum(["nothing", "services", "everything"]),
  mode: z.enum(["guard", "mark"]),
  mark: z.int().min(1).max(0xffff_ffff),
  onExpiry: z.enum(["keep", "cut"]),
  keepMax: duration,
  services: z.array(
    z.object({ name: z.string().refine(isServiceName), ports: z.array(range), replies: z.boolean() }),
  ),
  public: z.array(range),
  trustedInterfaces: z.array(z.string().refine(isInterfaceName)),
  hooks: z.array(z.enum(["input", "forward"])),
});

const user = z.object({
  name: z.string(),
  steps: z.array(z.object({ proto: z.enum(["udp", "tcp"]), port })).length(3),
  proof,
  services: names,
  ttl: duration.nullable(),
  maxTtl: duration.nullable(),
  approval: z.enum(["none", "phone", "call"]),
  enabled: z.boolean(),
  expires: moment.nullable(),
  created: moment,
  drawn: moment.optional(), // not in the first records
  pin: z.string().nullable().default(null),
  otp: z.string().nullable().default(null),
  sshKeys: names.default([]),
  phone: z.string().nullable().default(null),
  callers: names.default([]),
});

const grant = z.object({
  id: z.string(),
  user: z.string().nullable(),
  address,
  services: names,
  by,
  proof: proof.nullable(),
  reason: z.string().optional(),
  since: moment,
  renewed: moment,
  length: duration,
  expires: moment,
  ends: z.number(),
  closed: z.object({ how: z.enum(["expired", "revoked", "displaced"]), kept: z.boolean() }).optional(),
  boot: z.string(),
});

const revocation = z.object({ address, services: names, until: z.number(), boot: z.string() });
const pending = z.object({
  id: z.string(),
  user: z.string(),
  address,
  proof,
  code: z.string().nullable(),
  length: duration.nullable().default(null),
  since: moment,
  expires: moment,
  ends: z.number(),
  boot: z.string(),
});
const allow = z.object({
  what: z.string(),
  services: names,
  note: z.string().nullable(),
  added: moment,
  end: z.object({ expires: moment, ends: z.number(), length: duration }).nullable(),
  addresses: z.array(network),
  lookup: z
    .object({
      answered: moment.nullable(),
      failing: z.object({ since: moment, why: z.string() }).nullable(),
    })
    .nullable(),
  boot: z.string(),
});
const left = z.object({ network, at: z.number(), boot: z.string() });
const tries = z.object({
  wrong: z.number(),
  last: moment,
  day: z.number(),
  today: z.number(),
  good: moment.nullable(),
});
const clock = z.object({ wall: moment, uptime: z.number(), boot: z.string() });
const firewall = z.object({
  confirmed: policy.nullable(),
  trial: z.object({ policy, ends: z.number(), endsWall: moment }).nullable(),
  adopted: z.array(z.object({ family: z.literal([4, 6]), key: z.string(), ends: z.number() })),
  boot: z.string(),
});
const event = z.object({
  at: moment,
  event: z.string(),
  user: z.string().nullable(),
  address: z.string().nullable(),
  by: by.nullable(),
  reason: z.string().nullable(),
});

// Decoders of the store's records, which `keys` names. StoreError is `damaged` in all of them, and names the record.

/** A user. Records from before ports had a date take that of the user. @throws StoreError */
export const decodeUser = decoder<User>(
  user.transform((one) => ({ ...one, drawn: one.drawn ?? one.created })),
);
/** A grant, live or closed; times as in Grant, and the boot that its uptimes belong to. @throws StoreError */
export const decodeGrant = decoder<GrantRecord>(grant);
/** An address whose sessions are cut. @throws StoreError */
export const decodeRevocation = decoder<RevocationRecord>(revocation);
/** An entry of the allowlist. @throws StoreError */
export const decodeAllow = decoder<AllowRecord>(allow);
/** A network that the allowlist let in and does no more. @throws StoreError */
export const decodeLeft = decoder<LeftRecord>(left);
/** The clock's floor: wall clock and uptime, ms, of one boot. @throws StoreError */
export const decodeClock = decoder<ClockRecord>(clock);
/** Policies and adopted sessions. @throws StoreError */
export const decodeFirewall = decoder<FirewallRecord>(firewall);
/** A request that waits for its approval. @throws StoreError */
export const decodePending = decoder<PendingRecord>(pending);
/** A bucket of tries. @throws StoreError */
export const decodeTries = decoder<Tries>(tries);
/** A user's highest authenticator step that was used: 30 s each since 1970. @throws StoreError */
export const decodeStep = decoder<number>(z.number());
/** A user's floor of signed knocks, unix seconds. @throws StoreError */
export const decodeReplayFloor = decoder<number>(z.number());
/** The decoys' ports. @throws StoreError */
export const decodeDecoys = decoder<number[]>(z.array(port));
/** An entry of the history. @throws StoreError */
export const decodeEvent = decoder<GateEvent>(event);

const nonceTime = decoder<number>(z.number());

/** A used nonce, its time in unix seconds: both names stand in its key. @throws StoreError */
export function decodeNonce(entry: Entry): { user: string; stamp: Stamp } {
  const [, user = "", nonce = ""] = entry[0].split("/");
  if (user === "" || nonce === "") throw damagedRecord(entry[0]);
  return { user, stamp: { nonce, time: nonceTime(entry) } };
}

function decoder<T>(schema: z.ZodType): (entry: Entry) => T {
  return ([key, value]) => {
    const result = schema.safeParse(value);
    if (!result.success) throw damagedRecord(key);
    return result.data as T;
  };
}
