import { formatDuration, seconds } from "../../shared/duration.ts";
import type { StatusView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { type Style, styleFor } from "./style.ts";
import { type Cell, pairs } from "./table.ts";
import { clockText } from "./time.ts";

type Zone = string | undefined;

function knockd({ state, since }: StatusView["knockd"], style: Style, zone: Zone): Cell {
  if (state === "stopped") return { text: "stopped: nobody listens for knocks", dress: style.bad };
  return { text: since === null ? state : `${state} since ${clockText(since, zone)}`, dress: style.good };
}

const FIREWALL: Record<StatusView["firewall"]["state"], string> = {
  ok: "ok",
  missing: "missing: nothing is closed",
  altered: "altered by somebody else",
  trial: "on trial",
  unknown: "unknown: the packet filter could not be asked",
};

function tableState({ state, trial_ends }: StatusView["firewall"], style: Style, zone: Zone): Cell {
  const ends = trial_ends === null ? "" : `, rolls back at ${clockText(trial_ends, zone)} unless confirmed`;
  const dress = state === "ok" ? style.good : state === "trial" ? style.warning : style.bad;
  return { text: FIREWALL[state] + ends, dress };
}

function drops(counted: StatusView["firewall"]["drops"]): string | undefined {
  if (counted === null) return undefined;
  return `${counted.scanner} of scanners, ${counted.rate} over a source's rate, ${counted.global} over the global rate`;
}

function allowlist({ entries, failing, oldest }: StatusView["allowlist"], style: Style): Cell {
  const count = `${entries} ${entries === 1 ? "entry" : "entries"}`;
  if (failing === 0) return { text: count };
  const age = oldest === null ? "" : `, the oldest answer ${formatDuration(seconds(oldest))} ago`;
  const text = `${count}; ${failing} ${failing === 1 ? "name" : "names"} cannot be confirmed${age}`;
  return { text, dress: style.warning };
}

type Fact = readonly [string, Cell | string | undefined];

const CHANGED = "settings changed, not applied: knockctl firewall plan";

/** What the settings' policy waits for. */
const WAITS: Record<StatusView["firewall"]["state"], string> = {
  ok: CHANGED,
  altered: CHANGED,
  missing: "no policy is in force: start knockd, or: knockctl firewall apply",
  trial: "what is on trial is not kept yet: knockctl firewall confirm",
  unknown: CHANGED,
};

function firewallFacts(firewall: StatusView["firewall"], style: Style, zone: Zone): Fact[] {
  const pending = { text: WAITS[firewall.state], dress: style.warning };
  return [
    ["firewall", tableState(firewall, style, zone)],
    ["guard", firewall.guard],
    ["pending", firewall.pending ? pending : undefined],
    ["dropped knocks", drops(firewall.drops)],
  ];
}

/** The firewall's part of the status. */
export function renderFirewall(
  firewall: StatusView["firewall"],
  terminal: Terminal | undefined,
  zone: Zone,
): string {
  const style = styleFor(terminal);
  return pairs(firewallFacts(firewall, style, zone), style);
}

/** The whole status: one fact a line. */
export function renderStatus(status: StatusView, terminal: Terminal | undefined, zone: Zone): string {
  const style = styleFor(terminal);
  const problems = status.knockd.problems.map((text): Fact => ["problem", { text, dress: style.bad }]);
  const facts: Fact[] = [
    ["knockd", knockd(status.knockd, style, zone)],
    ...problems,
    ["phone", status.phone.state],
    ["open grants", String(status.grants)],
    ["allowlist", allowlist(status.allowlist, style)],
    ...firewallFacts(status.firewall, style, zone),
  ];
  return pairs(facts, style);
}
