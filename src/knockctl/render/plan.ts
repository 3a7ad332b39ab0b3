import type { DoorView, PlanView, StayView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { PLAIN, styleFor } from "./style.ts";
import { table } from "./table.ts";

const LOADED: Partial<Record<PlanView["loaded"], string>> = {
  missing: "our table is not in the kernel now: nothing is closed",
  altered: "our table in the kernel was altered by somebody else: it is loaded anew",
  unknown: "the packet filter could not be asked what it holds now: knockctl status says why",
  trial: "a policy is on trial now: this compares with the one that was confirmed",
};

/** Why a door that closes has, or has not, a way in. */
function wayIn({ change, service }: DoorView): string {
  if (change === "opens") return "anybody";
  if (service === null) return "no service names it: no grant opens it";
  return `whoever has a grant for ${service}`;
}

function doorTable(doors: readonly DoorView[]): string {
  const columns = [
    { title: "PORT", cell: ({ proto, port }: DoorView) => `${proto}/${port}` },
    { title: "PROGRAM", cell: ({ process }: DoorView) => process ?? "?" },
    { title: "WHO GETS IN", cell: wayIn },
  ];
  return table(columns, doors, PLAIN, Number.POSITIVE_INFINITY);
}

function stayLines({ allowlist, trusted_interfaces, grants, ssh_peers }: StayView): string[] {
  const some = (count: number, line: string): string[] => (count === 0 ? [] : [`  ${line}`]);
  return [
    ...some(allowlist, `the allowlist (${allowlist})`),
    ...some(trusted_interfaces.length, `what comes in by ${trusted_interfaces.join(", ")}`),
    ...grants.map(({ address, services }) => `  ${address}: open for ${services.join(", ")}`),
    ...some(ssh_peers.length, `logged in by SSH, held open for 15 minutes by apply: ${ssh_peers.join(", ")}`),
    "  every TCP session under way",
  ];
}

/** What applying the settings would change, for a person. @param self how to start us, for the command to go on with */
export function renderPlan(plan: PlanView, self: string, terminal: Terminal | undefined): string {
  const style = styleFor(terminal);
  const loaded = LOADED[plan.loaded];
  const now = loaded === undefined || plan.same ? [] : [style.warning(loaded)];
  if (plan.same) return [loaded ?? "", "nothing to apply: the settings are in force"].join("\n").trim();
  const doors = (change: DoorView["change"]): DoorView[] => plan.doors.filter((one) => one.change === change);
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", style.strong(title), ...lines];
  const [closing, opening] = [doors("closes"), doors("opens")];
  return [
    ...now,
    ...plan.changes,
    ...section("closes to strangers:", closing.length === 0 ? [] : [doorTable(closing)]),
    ...section("opens to everybody:", opening.length === 0 ? [] : [doorTable(opening)]),
    ...section("stays in:", closing.length === 0 ? [] : stayLines(plan.stay)),
    "",
    `to try them: ${self} firewall apply`,
  ].join("\n");
}
