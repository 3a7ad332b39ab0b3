import type { AllowView } from "../../../shared/gate/views.ts";
import {
  closedByHost,
  closedByUs,
  covers,
  hostSurvey,
  openRules,
  portsText,
  publishesPorts,
} from "../closed.ts";
import type { Check } from "../seen.ts";
import { applied, type Finding, findingsOr, unseen } from "../verdict.ts";

/** All addresses of a family, in to everything. */
const isEverybody = ({ what, services }: AllowView): boolean => what.endsWith("/0") && services.length === 0;

/** Is anything closed at all? */
const closing: Check = (seen) => {
  const { status, settings, self } = seen;
  const host = closedByHost(hostSurvey(seen)?.places ?? []);
  const fix = `set guard = "services" (or "everything") under [firewall] in ${settings.paths.config}, then: ${applied(self)}`;
  const findings: Finding[] = [];
  if (status.firewall.guard === "nothing" && host.size === 0)
    findings.push({
      id: "no-firewall",
      severity: "high",
      what: 'nothing closes this host: guard is "nothing", and it has no firewall of its own that drops by default',
      why: "everybody reaches every service, whatever is knocked",
      fix,
    });
  if (host.size === 1 && status.firewall.guard !== "everything")
    findings.push({
      id: "ipv6-differs",
      severity: "high",
      what: `the host's own firewall closes IPv${host.has(4) ? 4 : 6} only: IPv${host.has(4) ? 6 : 4} is open`,
      why: "who knows the other address of this host walks around the firewall",
      fix: `set guard = "everything" under [firewall] in ${settings.paths.config}, then: ${applied(self)}`,
    });
  // then nobody is a stranger, which is a finding about the allowlist
  if (findings.length === 0 && seen.allowed.some(isEverybody)) return [];
  return findingsOr("strangers are shut out of something", findings);
};

/** Is our table what it should be? */
const table: Check = ({ status, self, plan }) => {
  const { state, trial_ends } = status.firewall;
  const findings: Finding[] = [];
  if (state === "missing" || state === "altered")
    findings.push({
      id: `table-${state}`,
      severity: "high",
      what: `our table in the kernel is ${state}`,
      why: "what should be closed may be open, what was granted may be shut",
      fix:
        status.knockd.state === "running"
          ? `${self} firewall apply --now`
          : "systemctl start knockline-knockd",
    });
  if (state === "unknown")
    findings.push({
      id: "table-unknown",
      severity: "high",
      what: "nobody can say what our table in the kernel is",
      why: "the packet filter could not be asked: rules that somebody alters are not mended",
      fix: `${self} status`,
    });
  if (state === "trial")
    findings.push({
      id: "policy-trial",
      severity: "medium",
      what: `a policy is on trial until ${trial_ends ?? "soon"}`,
      why: "without a word from you the kernel rolls it back",
      fix: `${self} firewall confirm`,
    });
  else if (!plan.same)
    findings.push({
      id: "policy-pending",
      severity: "medium",
      what: "the settings' policy is not the one in force",
      why: plan.changes.slice(0, 3).join("; "),
      fix: `${self} firewall apply --now`,
    });
  return findingsOr("our table is as the confirmed policy says", findings);
};

/** Do rules of the host let everybody in where only granted addresses should be? */
const foreignAccepts: Check = (seen) => {
  if (seen.machine.firewall === undefined)
    return [unseen("the host's own firewall cannot be read: run this as root")];
  const findings = openRules(seen).flatMap((open): Finding[] => {
    if (open.ports === undefined)
      return [
        {
          id: `accept-all-${open.family}`,
          severity: seen.status.firewall.guard === "nothing" ? "high" : "medium",
          what: `${open.where} accepts everybody on every port: -A INPUT ${open.rule}`,
          why: "all rules after it are never asked",
          fix: open.remove,
        },
      ];
    const first = { proto: open.ports.proto, port: open.ports.from };
    const guarded = seen.settings.policy.services.find(({ ports }) =>
      ports.some((range) => covers(range, first)),
    );
    if (guarded === undefined || closedByUs(seen, first)) return [];
    return [
      {
        id: `accept-${guarded.name}-${open.family}`,
        severity: "high",
        what: `${open.where} accepts everybody on ${portsText(open.ports)}, which is service ${guarded.name}: -A INPUT ${open.rule}`,
        why: "nobody needs to knock",
        fix: open.remove,
      },
    ];
  });
  return findingsOr("no rule of the host lets strangers into a service", findings);
};

/** Does what our table lets in get past the host's own firewall? */
const acceptMark: Check = (seen) => {
  const found = hostSurvey(seen);
  if (found === undefined) return [];
  const { places, conflicts, hopeless } = found;
  const findings: Finding[] = conflicts.map((rule, n) => ({
    id: `mark-taken-${n + 1}`,
    severity: "high",
    what: `a rule of the host uses our bit of the mark: ${rule}`,
    why: "other software can open or close what is ours",
    fix: `set mark = "0x08000000" (or another free bit) under [firewall] in ${seen.settings.paths.config}, then: ${applied(seen.self)}`,
  }));
  for (const { where, state, saved } of places) {
    if (state === "right" || hopeless !== undefined) continue;
    findings.push({
      id: `accept-mark-${state}-${slug(where)}`,
      severity: saved ? "medium" : "high",
      what: `the accept-mark rule is ${state === "late" ? "behind the rule for established connections" : state} in ${where}`,
      why: saved
        ? "after a reboot or a restore nobody comes in who knocked"
        : state === "doubled"
          ? "taking one away leaves the other"
          : "the host's own firewall drops what was granted",
      fix: `${seen.self} firewall integrate`,
    });
  }
  return findingsOr("the host's own firewall lets in what we mark, or closes nothing", findings);
};

/** Are published ports guarded too? */
const forwarded: Check = (seen) => {
  const guards = seen.status.firewall.guard !== "nothing" && seen.settings.policy.hooks.includes("forward");
  const around: Finding = {
    id: "published-ports",
    severity: "high",
    what: "ports are published to containers or other machines (DNAT), and we look at input only",
    why: "such packets are forwarded, and no input rule ever sees them",
    fix: `set hooks = ["input", "forward"] under [firewall] in ${seen.settings.paths.config}, then: ${applied(seen.self)}`,
  };
  return findingsOr("no published port goes around us", publishesPorts(seen) && !guards ? [around] : []);
};

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** The firewall: ours, and the one beside it. */
export const firewallChecks: readonly Check[] = [closing, table, foreignAccepts, acceptMark, forwarded];
