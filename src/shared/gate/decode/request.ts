import * as z from "zod";
import { MAX_ENTRIES } from "../../access/allowlist.ts";
import { escaped } from "../../log/unprintable.ts";
import { type AdminVerbs, Refusal, type Verb } from "../verbs.ts";
import { complaintOf } from "./complaint.ts";

const name = z.string().min(1).max(64);
const text = z.string().max(200);
const seconds = z
  .int()
  .min(1)
  .max(366 * 86_400);
/** Sixteen of the longest lines that are taken. Characters. */
const keyFile = z.string().max(32_768);
/** Of a refusal. Characters. */
const MAX_MESSAGE = 200;
const time = z.iso.datetime({ offset: true });
const nothing = z.strictObject({});
const wish = {
  what: z.string().max(300),
  services: z.array(name).max(64).optional(),
  note: text.regex(/^\P{Cc}*$/u, "must be a note of one line").optional(),
  expires: time.optional(),
};
const settings = {
  proof: z.enum(["none", "otp", "ssh"]),
  services: z.array(name).max(64),
  ttl: seconds.nullable(),
  max_ttl: seconds.nullable(),
  approval: z.enum(["none", "phone", "call"]),
  enabled: z.boolean(),
  expires: time.nullable(),
  phone: text.nullable(),
  callers: z.array(text).max(64),
};
const wishes = {
  ...z.strictObject(settings).partial().shape,
  steps: z
    .array(z.enum(["udp", "tcp"]))
    .max(8)
    .optional(),
  pin: z.union([z.string().max(32), z.literal(true), z.null()]).optional(),
  otp: z.union([z.literal(true), z.null()]).optional(),
  ssh_keys: keyFile.nullable().optional(),
};

const vault = z.string().regex(/^[0-9a-f]{16}$/);
const exported = z.strictObject({
  name,
  ...settings,
  steps: z.array(z.enum(["udp", "tcp"])).length(3),
  ssh_keys: z.array(z.string().max(2_048)).max(16),
  has_pin: z.boolean(),
  has_otp: z.boolean(),
  secrets: z
    .strictObject({
      ports: z.array(z.int().min(1).max(65_535)).length(3),
      pin: text.nullable(),
      otp: text.nullable(),
    })
    .optional(),
});

/** The arguments of every admin verb. What is not listed here is refused. */
const verbs: { [V in Verb]: z.ZodType<AdminVerbs[V]["args"]> } = {
  status: nothing,
  metrics: nothing,
  list: nothing,
  grant: z.strictObject({
    address: text,
    user: name.optional(),
    services: z.array(name).max(64).optional(),
    ttl: seconds.optional(),
    reason: text.optional(),
  }),
  extend: z.strictObject({ id: name, ttl: seconds }),
  revoke: z.strictObject({
    what: text.optional(),
    user: name.optional(),
    all: z.boolean().optional(),
    keep_sessions: z.boolean().optional(),
  }),
  history: z.strictObject({ since: time.optional(), user: name.optional(), address: text.optional() }),
  watch: z.strictObject({ what: text.optional(), user: name.optional() }),
  user_add: z.strictObject({ name: text, ...wishes }),
  user_set: z.strictObject({ name, ...wishes }),
  user_list: nothing,
  user_show: z.strictObject({ name }),
  user_rotate: z.strictObject({
    name,
    ports: z.boolean().optional(),
    pin: z.union([z.string().max(32), z.literal(true)]).optional(),
    otp: z.literal(true).optional(),
  }),
  user_remove: z.strictObject({ name }),
  user_client: z.strictObject({ name }),
  user_export: z.strictObject({ name: name.optional(), secrets: z.boolean().optional() }),
  user_import: z.strictObject({ vault: vault.optional(), users: z.array(exported).max(2_000) }),
  pending: nothing,
  approve: z.strictObject({ id: name }),
  deny: z.strictObject({ id: name }),
  unlock: z.strictObject({ who: text }),
  allow_add: z.strictObject({ ...wish, wide: z.boolean().optional() }),
  allow_list: nothing,
  allow_remove: z.strictObject({ what: z.string().max(300), keep_sessions: z.boolean().optional() }),
  allow_refresh: z.strictObject({ name: z.string().max(300).optional() }),
  allow_import: z.strictObject({
    entries: z.array(z.strictObject({ ...wish, line: z.int().min(1) })).max(MAX_ENTRIES),
    wide: z.boolean().optional(),
  }),
  allow_lookup: z.strictObject({ address: text }),
  firewall_plan: z.strictObject({
    listening: z
      .array(
        z.strictObject({
          proto: z.enum(["udp", "tcp"]),
          port: z.int().min(0).max(65_535),
          process: name.nullable(),
        }),
      )
      .max(2_000)
      .optional(),
    ssh_peers: z.array(text).max(1024).optional(),
  }),
  firewall_apply: z.strictObject({
    confirm: z.int().min(1).max(86_400).optional(),
    now: z.boolean().optional(),
    keep: z.array(text).max(1024).optional(),
    ssh_ports: z.array(z.int().min(1).max(65_535)).max(64).optional(),
  }),
  firewall_confirm: nothing,
  firewall_rollback: nothing,
  firewall_teardown: nothing,
  backup: nothing,
  restore: z.strictObject({
    // bounded: MAX_ADMIN_LINE
    records: z.array(z.tuple([z.string().max(512), z.unknown()]).readonly()),
    vault,
    made: time,
    force: z.boolean().optional(),
  }),
  check: nothing,
};

/** One question as it came over the admin socket. */
export interface AdminRequest<V extends Verb = Verb> {
  readonly verb: V;
  readonly args: AdminVerbs[V]["args"];
}

/**
 * Decodes one line of the admin socket: `{"verb": ..., "args": {...}}`.
 * @throws Refusal `usage` naming what does not fit
 */
export function decodeRequest(line: string): AdminRequest {
  const { verb, args } = parse(line);
  if (typeof verb !== "string" || !Object.hasOwn(verbs, verb)) {
    throw new Refusal(
      "usage",
      "the gate does not know this question",
      "use the knockctl of the same version",
    );
  }
  const result = verbs[verb as Verb].safeParse(args ?? {});
  if (!result.success) {
    const [issue] = result.error.issues;
    const what = issue === undefined ? "the question does not fit" : complaintOf(verb as Verb, args, issue);
    throw new Refusal(
      "usage",
      escaped(what.slice(0, MAX_MESSAGE)),
      `see knockctl ${verb.replace("_", " ")} --help`,
    );
  }
  return { verb: verb as Verb, args: result.data as AdminVerbs[Verb]["args"] };
}

function parse(line: string): { verb?: unknown; args?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // falls through: the same answer as for JSON that is no object
  }
  throw new Refusal("usage", "the gate was sent something that is no question", "one JSON object a line");
}
