import { bootChecks } from "./checks/boot.ts";
import { firewallChecks } from "./checks/firewall.ts";
import { machineChecks } from "./checks/machine.ts";
import { reachChecks } from "./checks/reach.ts";
import { userChecks } from "./checks/users.ts";
import type { Check, Seen } from "./seen.ts";
import type { Verdict } from "./verdict.ts";

/** Every check, in the order in which a person reads them. A new finding is a Check in one of these groups. */
const CHECKS: readonly Check[] = [
  ...firewallChecks,
  ...reachChecks,
  ...bootChecks,
  ...userChecks,
  ...machineChecks,
  ({ phone }) => phone,
];

/** Judges what was seen. */
export function audit(seen: Seen): Verdict[] {
  return CHECKS.flatMap((check) => check(seen));
}
