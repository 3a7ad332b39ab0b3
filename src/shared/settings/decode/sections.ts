import * as z from "zod";
import * as field from "./fields.ts";

/** The services guarded when the file has no [services] at all. */
const SERVICES = {
  ssh: { ports: ["tcp/22"] },
  sip: { ports: ["udp/5060", "tcp/5060-5061"] },
  rtp: { ports: ["udp/10000-20000"], replies: true },
  iax: { ports: ["udp/4569"] },
  web: { ports: ["tcp/80", "tcp/443"] },
};

const paths = z.strictObject({
  state: field.path.optional(),
  run: field.path.optional(),
  secret: field.path.optional(),
  ari_secret: field.path.optional(),
  sounds: field.path.optional(),
});

const server = z.strictObject({ name: field.serverName.prefault("knockline") });

const knock = z.strictObject({
  ports: field.portSpan.prefault("2000-32767"),
  window: field.duration.prefault("30s"),
  // bounded: each decoy costs knockd two sockets
  decoys: field.count(0, 1000).prefault(61),
  listen: field.several(field.address).prefault(["0.0.0.0", "::"]),
});

const access = z.strictObject({
  ttl: field.duration.prefault("1h"),
  max_ttl: field.duration.prefault("12h"),
  keep_max: field.duration.prefault("12h"),
  max_grants_per_user: field.count(1, 1000).prefault(5),
  ipv6_prefix: z.literal([128, 64]).prefault(128),
  private_addresses: z.boolean().prefault(false),
  on_expiry: z.enum(["keep", "cut"]).prefault("keep"),
});

const firewall = z.strictObject({
  mode: z.enum(["guard", "mark"]).prefault("guard"),
  guard: z.enum(["nothing", "services", "everything"]).prefault("nothing"),
  mark: field.mark.prefault("0x04000000"),
  public: z.array(field.portRange).prefault([]),
  trusted_interfaces: z.array(field.networkInterface).prefault([]),
  hooks: field.several(z.enum(["input", "forward"])).prefault(["input"]),
});

const service = z.strictObject({
  ports: field.several(field.portRange),
  replies: z.boolean().prefault(false),
});

const allow = z.strictObject({ resolvers: z.array(field.resolver).max(3).prefault([]) });

const phone = z.strictObject({
  enabled: z.boolean().prefault(false),
  url: field.word.prefault("http://127.0.0.1:8088"),
  username: field.word.prefault("knockline"),
  app: field.word.prefault("knockline"),
  extension: field.extension.prefault("864"),
  context: field.word.prefault("from-internal"),
  callback: field.word.prefault("PJSIP/{number}"),
  max_calls: field.count(1, 1000).prefault(20),
  sounds: z.enum(["core", "knockline"]).prefault("core"),
  pending: field.duration.prefault("10m"),
  first_digit: field.duration.prefault("10s"),
  between_digits: field.duration.prefault("6s"),
  longest_call: field.duration.prefault("3m"),
  ring: field.duration.prefault("25s"),
});

const history = z.strictObject({ keep: field.duration.prefault("90d") });

const log = z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]).prefault("info") });

/** The settings file, section by section, each key with its default. Rules that span keys are in `rules.ts`. */
export const sections = z.strictObject({
  paths: paths.prefault({}),
  server: server.prefault({}),
  knock: knock.prefault({}),
  access: access.prefault({}),
  firewall: firewall.prefault({}),
  services: z.record(z.string(), service).prefault(SERVICES),
  allow: allow.prefault({}),
  phone: phone.prefault({}),
  history: history.prefault({}),
  log: log.prefault({}),
});

/** What `sections` yields: every default filled in, texts parsed. */
export type Sections = z.output<typeof sections>;

/** Every key outside [services], in dots: what a mistyped one is compared with. */
export const KNOWN_KEYS: readonly string[] = Object.entries(sections.shape).flatMap(([name, section]) => {
  const inner = section.unwrap();
  return inner instanceof z.ZodObject ? Object.keys(inner.shape).map((key) => `${name}.${key}`) : [];
});

/** The keys of one service. */
export const SERVICE_KEYS: readonly string[] = Object.keys(service.shape);
