import type { Check, Seen } from "../seen.ts";
import { type Finding, findingsOr, unseen } from "../verdict.ts";

/** A unit of ours, why it must be enabled, and how bad it is when it is not. */
interface Unit {
  readonly name: string;
  readonly why: string;
  readonly severity: Finding["severity"];
  readonly isWanted: (seen: Seen) => boolean;
}

const UNITS: readonly Unit[] = [
  {
    name: "knockline-firewall.service",
    why: "after a reboot nothing is closed until knockd is up",
    severity: "high",
    isWanted: ({ status }) => status.firewall.guard !== "nothing",
  },
  {
    name: "knockline-knockd.service",
    why: "after a reboot nobody can knock",
    severity: "high",
    isWanted: () => true,
  },
  {
    name: "knockline-phone-auth.service",
    why: "after a reboot nobody can call",
    severity: "medium",
    isWanted: ({ settings }) => settings.phone.enabled,
  },
];

/** The units whose state the checks want to know. */
export const AUDITED_UNITS: readonly string[] = UNITS.map(({ name }) => name);

/** Does it all come back after a reboot? */
const units: Check = (seen) => {
  const { units: known } = seen.machine;
  if (known === undefined)
    return [unseen("systemd does not run here: whether we start at boot cannot be seen")];
  const findings = UNITS.filter((unit) => unit.isWanted(seen)).flatMap(
    ({ name, why, severity }): Finding[] => {
      const state = known.get(name) ?? "not installed";
      if (state === "enabled") return [];
      return [
        {
          id: `unit-${name.split(".")[0]}`,
          severity,
          what: `${name} is ${state}`,
          why,
          fix: `systemctl enable --now ${name}`,
        },
      ];
    },
  );
  return findingsOr("our units start at boot", findings);
};

/** Is what is loaded before the network the confirmed policy? */
const bootFile: Check = ({ machine, status, settings, self }) => {
  const isFine = status.firewall.guard === "nothing" || machine.boot === "whole";
  const broken: Finding = {
    id: `boot-file-${machine.boot}`,
    severity: "high",
    what: `${settings.paths.boot} is ${machine.boot}`,
    why: "the next boot loads an older policy, or denies everything",
    fix: `${self} firewall apply --now`,
  };
  return findingsOr("the boot file is whole", isFine ? [] : [broken]);
};

/** Users' ports and waiting settings have findings of their own, with their fixes. */
const isJudgedElsewhere = (problem: string, seen: Seen): boolean =>
  seen.problems.includes(problem) || problem.startsWith("settings changed");

/** Does knockd run, and what does it complain of? */
const running: Check = (seen) => {
  const { status } = seen;
  const { state, problems } = status.knockd;
  const stopped: Finding[] =
    state === "running"
      ? []
      : [
          {
            id: "knockd-stopped",
            severity: "high",
            what: "knockd does not run",
            why: "nobody can knock or call; what is open still closes",
            fix: "systemctl enable --now knockline-knockd.service",
          },
        ];
  const complaints = problems
    .filter((one) => !isJudgedElsewhere(one, seen))
    .map(
      (problem, n): Finding => ({
        id: `problem-${n + 1}`,
        severity: "medium",
        what: problem,
        why: "knockd says so itself",
        fix: "journalctl -u knockline-knockd -n 50",
      }),
    );
  return findingsOr("knockd runs and has nothing to complain of", [...stopped, ...complaints]);
};

/** What happens at the next start. */
export const bootChecks: readonly Check[] = [running, units, bootFile];
