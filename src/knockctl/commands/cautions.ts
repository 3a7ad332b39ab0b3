import type { UserWishes } from "../../shared/gate/verbs.ts";
import type { UserView } from "../../shared/gate/views.ts";

/** What an admin should know of what he asked for; it is done all the same. */
export function cautions(wishes: UserWishes, { proof, approval }: UserView): string[] {
  if (proof !== "none" || (wishes.proof === undefined && wishes.approval === undefined)) return [];
  return approval === "none"
    ? ["proof none: whoever sees the three ports on the way can open the door with them, from anywhere"]
    : ["proof none: whoever saw the three ports can leave requests that wait for an approval"];
}
