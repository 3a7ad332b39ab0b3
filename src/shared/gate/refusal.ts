import { Denied } from "../access/denial.ts";
import { FirewallError } from "../firewall/firewall.ts";
import { SettingsError } from "../settings/problem.ts";
import { StoreError } from "../store/store.ts";
import { Refusal } from "./verbs.ts";

/** @returns the error as a Refusal; a fault of ours keeps its name so that it can be reported */
export function refusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof FirewallError && error.why === "denied")
    return new Refusal("no_permission", error.message, error.cure);
  if (error instanceof StoreError || error instanceof FirewallError || error instanceof SettingsError)
    return new Refusal("broken", error.message, error.cure);
  if (error instanceof Denied && error.reason === "firewall_off") {
    return new Refusal(
      "refused",
      "no firewall policy is in force, so there is no door to open",
      "start knockd, or: knockctl firewall apply",
    );
  }
  if (error instanceof Denied)
    return new Refusal("refused", error.message, "see knockctl list and knockctl status");
  return new Refusal(
    "broken",
    `a fault in knockline: ${String(error)}`,
    "please report it, with what you asked and what the log says: journalctl -u knockline-knockd",
  );
}
