import { DENIALS, type Denial } from "../../access/denial.ts";
import type { EventName } from "../../access/event.ts";
import type { Gate } from "../../access/gate.ts";
import { countWaiting } from "../../access/pin-tries.ts";
import type { KnockOutcome, PinOutcome } from "../../access/tally.ts";
import type { GrantedBy, MetricFamily, MetricSample, StatusView } from "../views.ts";

const WAYS: readonly GrantedBy[] = ["knock", "phone", "admin"];
const KNOCKS: readonly KnockOutcome[] = ["step", "repeat", "complete", "denied"];
const PINS: readonly PinOutcome[] = ["right", "wrong", "delayed"];
const TABLE_STATES: readonly StatusView["firewall"]["state"][] = [
  "ok",
  "missing",
  "altered",
  "trial",
  "unknown",
];
const LINK_STATES: readonly StatusView["phone"]["state"][] = [
  "off",
  "connecting",
  "up",
  "refused",
  "replaced",
];
const ENDINGS = ["expired", "revoked", "displaced"] as const;

/**
 * All that `knockctl metrics` shows, by the conventions of Prometheus (prometheus.io/docs/practices/naming). Labels take
 * their values from closed lists: no address, no user, no secret is in any. Every series is always there, so that an
 * alert on its rise does not miss the first.
 */
export function metricsOf(gate: Gate, status: StatusView): MetricFamily[] {
  return [
    ...health(gate, status),
    ...access(gate),
    ...allowlist(status),
    ...(status.knockd.since === null ? [] : counters(gate)),
    ...drops(status),
  ];
}

function health({ problems }: Gate, { ok, knockd, phone, firewall }: StatusView): MetricFamily[] {
  const running = knockd.since !== null;
  const started = running ? Date.parse(knockd.since ?? "") / 1000 : 0;
  return [
    gauge("knockline_up", "1 while knockd runs and listens for knocks.", Number(running)),
    gauge("knockline_ok", "1 while knockctl status says ok: all below is as it should be.", Number(ok)),
    gauge("knockline_problems", "Problems that knockctl status names.", knockd.problems.length),
    gauge("knockline_start_time_seconds", "Unix time at which knockd started; 0 while it is down.", started),
    gauge("knockline_store_ok", "0 after a write that the store refused.", Number(!problems.has("store"))),
    gauge(
      "knockline_nft_ok",
      "0 while the kernel's table cannot be made right.",
      Number(!problems.has("kernel")),
    ),
    states(
      "knockline_firewall_state",
      "1 for the state that the kernel's table is in.",
      TABLE_STATES,
      firewall.state,
    ),
    gauge(
      "knockline_firewall_pending",
      "1 while the settings' policy is not in force.",
      Number(firewall.pending),
    ),
    states(
      "knockline_phone_link_state",
      "1 for the state of the link to Asterisk.",
      LINK_STATES,
      phone.state,
    ),
  ];
}

function allowlist({ allowlist: { entries, names, failing, oldest } }: StatusView): MetricFamily[] {
  return [
    gauge("knockline_allowlist_entries", "Entries of the allowlist.", entries),
    gauge("knockline_allowlist_names", "Entries that are DNS names.", names),
    gauge(
      "knockline_allowlist_names_failing",
      "Names whose last good addresses cannot be confirmed.",
      failing,
    ),
    gauge(
      "knockline_allowlist_oldest_answer_seconds",
      "Age of the oldest addresses of a name; 0 without names.",
      oldest ?? 0,
    ),
  ];
}

function access({ state, parts }: Gate): MetricFamily[] {
  const { uptime, wall } = parts.clock();
  const live = state.ledger.live(uptime);
  const pending = [...state.pending.values()].filter(({ ends }) => ends > uptime);
  const users = [...state.users.values()];
  const mayKnock = users.filter(({ enabled, expires }) => enabled && (expires === null || expires > wall));
  const waiting = countWaiting(state, wall);
  return [
    family("gauge", "knockline_grants", "Doors that are open now, by the way they were opened.", [
      ...WAYS.map((by) => ({ labels: { by }, value: live.filter((grant) => grant.by === by).length })),
    ]),
    gauge("knockline_pending_requests", "Good knocks that wait for their approval.", pending.length),
    gauge("knockline_users", "Users there are.", users.length),
    gauge("knockline_users_enabled", "Users that are neither disabled nor expired.", mayKnock.length),
    family("gauge", "knockline_pin_delayed_callers", "Callers whose next PIN is delayed, by lane.", [
      { labels: { lane: "internal" }, value: waiting.internal },
      { labels: { lane: "external" }, value: waiting.external },
    ]),
    gauge(
      "knockline_pin_strangers_shut_out",
      "1 while strangers had their PIN tries of the day.",
      Number(waiting.strangers),
    ),
    gauge(
      "knockline_pin_known_callers_shut_out",
      "1 while known callers, or who forges their numbers, had their wrong PIN tries of the day.",
      Number(waiting.callers),
    ),
    gauge("knockline_code_locked_users", "Users whose codes wait for knockctl unlock.", waiting.codes),
  ];
}

function counters({ tally }: Gate): MetricFamily[] {
  const events = (event: EventName): number =>
    [...WAYS, "" as const].reduce((sum, by) => sum + tally.events.of(`${event}/${by}`), 0);
  const byWay = (event: EventName): MetricSample[] =>
    WAYS.map((by) => ({ labels: { by }, value: tally.events.of(`${event}/${by}`) }));
  return [
    family(
      "counter",
      "knockline_grants_opened_total",
      "Doors opened, by the way they were opened.",
      byWay("opened"),
    ),
    family("counter", "knockline_grants_renewed_total", "Open doors renewed.", byWay("renewed")),
    family(
      "counter",
      "knockline_grants_ended_total",
      "Doors closed, by how they came to their end.",
      ENDINGS.map((how) => ({ labels: { how }, value: events(how) })),
    ),
    family(
      "counter",
      "knockline_knocks_total",
      "Touches of knock ports that reached knockd, by what each came to.",
      KNOCKS.map((outcome) => ({ labels: { outcome }, value: tally.knocks.of(outcome) })),
    ),
    family(
      "counter",
      "knockline_denials_total",
      "Knocks denied, by reason.",
      (Object.keys(DENIALS) as Denial[]).map((reason) => ({
        labels: { reason },
        value: tally.denials.of(reason),
      })),
    ),
    family(
      "counter",
      "knockline_pins_total",
      "PINs keyed in calls, by what became of them.",
      PINS.map((outcome) => ({ labels: { outcome }, value: tally.pins.of(outcome) })),
    ),
    family("counter", "knockline_callbacks_total", "Call-backs, by what became of them.", [
      { labels: { outcome: "placed" }, value: events("call") },
      { labels: { outcome: "failed" }, value: events("call-failed") },
    ]),
    family("counter", "knockline_approvals_total", "Requests decided, by how.", [
      { labels: { outcome: "approved" }, value: events("approved") },
      { labels: { outcome: "refused" }, value: events("refused") },
    ]),
    family("counter", "knockline_table_repairs_total", "Times that the kernel's table was mended.", [
      { labels: {}, value: events("firewall-repaired") },
    ]),
  ];
}

/** The kernel counts from when the table was made, so these outlive a knockd; none while there is no table. */
function drops({ firewall }: StatusView): MetricFamily[] {
  if (firewall.drops === null) return [];
  return [
    family(
      "counter",
      "knockline_kernel_dropped_total",
      "Knocks that the kernel dropped before knockd saw them: of scanners, over a source's rate, over the global rate.",
      Object.entries(firewall.drops).map(([why, value]) => ({ labels: { why }, value })),
    ),
  ];
}

const family = (
  type: MetricFamily["type"],
  name: string,
  help: string,
  samples: MetricSample[],
): MetricFamily => ({ name, type, help, samples });

const gauge = (name: string, help: string, value: number): MetricFamily =>
  family("gauge", name, help, [{ labels: {}, value }]);

const states = (name: string, help: string, all: readonly string[], now: string): MetricFamily =>
  family(
    "gauge",
    name,
    help,
    all.map((state) => ({ labels: { state }, value: Number(state === now) })),
  );
