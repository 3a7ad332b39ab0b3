import type { TablePlan } from "../firewall/firewall.ts";
import { formatPorts, type Policy, type Service } from "../firewall/policy.ts";
import { rulesetText } from "../firewall/ruleset.ts";
import type { PlanView } from "../gate/views.ts";
import { samePolicy } from "./state.ts";

/** Says in words and in nft text what applying a policy would change. `confirmed` null: nothing was ever applied. */
export function describePlan(
  confirmed: Policy | null,
  table: Omit<TablePlan, "candidate" | "filling">,
): Pick<PlanView, "same" | "changes" | "text"> {
  const wanted = table.current;
  return {
    same: samePolicy(confirmed, wanted),
    changes: changes(confirmed, wanted),
    text: rulesetText(table),
  };
}

function changes(before: Policy | null, after: Policy): string[] {
  const lines: string[] = [];
  if (before?.guard !== after.guard)
    lines.push(`guard: ${before?.guard ?? "no table at all"} -> ${after.guard} (${GUARDS[after.guard]})`);
  for (const service of after.services) {
    const was = before?.services.find(({ name }) => name === service.name);
    const closed = after.guard !== "nothing";
    if (was === undefined)
      lines.push(`service ${describe(service)}: new${closed ? ", closed to strangers" : ""}`);
    else if (describe(was) !== describe(service))
      lines.push(`service ${describe(was)} -> ${describe(service)}`);
    else if (closed && before?.guard === "nothing")
      lines.push(`service ${describe(service)}: open to everybody -> closed to strangers`);
    else if (!closed && before?.guard !== "nothing")
      lines.push(`service ${describe(service)}: closed to strangers -> open to everybody`);
  }
  for (const service of before?.services ?? []) {
    if (!after.services.some(({ name }) => name === service.name))
      lines.push(`service ${describe(service)}: not guarded any more`);
  }
  if (before === null) return lines;
  for (const [name, value] of DETAILS) {
    const [from, to] = [value(before), value(after)];
    if (from !== to) lines.push(`${name}: ${from} -> ${to}`);
  }
  return lines;
}

const GUARDS = {
  nothing: "no port is closed",
  services: "the services are closed to strangers, the rest of the host is left alone",
  everything: "all but public ports is closed to strangers",
} as const;

const DETAILS: readonly (readonly [string, (policy: Policy) => string])[] = [
  ["mode", ({ mode }) => mode],
  ["mark", ({ mark }) => `0x${mark.toString(16).padStart(8, "0")}`],
  ["on_expiry", ({ onExpiry }) => onExpiry],
  ["keep_max", ({ keepMax }) => `${keepMax / 1000} s`],
  ["public", (policy) => policy.public.map(formatPorts).join(" ") || "none"],
  ["trusted_interfaces", ({ trustedInterfaces }) => trustedInterfaces.join(" ") || "none"],
  ["hooks", ({ hooks }) => hooks.join(" ")],
];

function describe({ name, ports, replies }: Service): string {
  return `${name} (${ports.map(formatPorts).join(", ")}${replies ? ", replies accepted" : ""})`;
}
