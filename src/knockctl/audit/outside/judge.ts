import type { Address } from "../../../shared/address.ts";
import { formatDuration } from "../../../shared/duration.ts";
import { applied, type Finding, finding, fine, unseen, type Verdict } from "../verdict.ts";
import type { OutsidePlan } from "./plan.ts";
import type { Doors, Observed } from "./walk.ts";

/** The steps, in the order of a report. */
export const STEPS = {
  closed: "closed before",
  vpn: "open by the VPN",
  waits: "a knock alone waits",
  opens: "opens after the knock",
  second: "a second address stays out",
  expires: "closes at the end",
} as const;

/** A step's name in a report. */
export type Step = keyof typeof STEPS;

/** What a step came to. */
export interface Judged {
  readonly step: Step;
  readonly verdict: Verdict;
}

/** What findings speak of. */
interface About {
  readonly plan: OutsidePlan;
  readonly address: Address;
}

const portsText = (doors: Doors): string => doors.map(({ port }) => `tcp/${port}`).join(", ");
const openOnes = (doors: Doors): Doors => doors.filter(({ reached }) => reached === "open");
const shutOnes = (doors: Doors): Doors => doors.filter(({ reached }) => reached !== "open");
const isNowhere = (doors: Doors): boolean => doors.every(({ reached }) => reached === "unreachable");

/** Judges what was seen from one place. Steps that were not asked for are not in the answer. */
export function judge(plan: OutsidePlan, address: Address, seen: Observed): Judged[] {
  const about = { plan, address };
  const steps: Record<Step, Verdict | undefined> = {
    closed: closedBefore(about, seen),
    vpn: byVpn(about, seen),
    waits: waitsForCall(about, seen),
    opens: opensAfter(about, seen),
    second: secondStaysOut(about, seen),
    expires: expires(about, seen),
  };
  return (Object.keys(STEPS) as Step[]).flatMap((step) => {
    const verdict = steps[step];
    return verdict === undefined ? [] : [{ step, verdict }];
  });
}

const high = (id: string, what: string, why: string, fix: string): Verdict =>
  finding({ id, severity: "high", what, why, fix } satisfies Finding);

function closedBefore({ plan, address }: About, { before }: Observed): Verdict {
  if (isNowhere(before)) return unseen(`there is no way from here to ${plan.host} (${address})`);
  const open = openOnes(before);
  if (open.length === 0) {
    const refused = before.some(({ reached }) => reached === "refused");
    return fine(`${portsText(before)} ${refused ? "refused" : "silent"} before any knock`);
  }
  return high(
    "open-before",
    `${portsText(open)} of ${plan.host} open without a knock`,
    "whoever scans it finds it; or this place is let in already, and then nothing is proved from here",
    "on the server: knockctl list and knockctl allow list say who is let in, knockctl firewall plan what is closed",
  );
}

function byVpn({ plan }: About, { via }: Observed): Verdict | undefined {
  if (via === undefined || plan.via === undefined) return undefined;
  const { device, host } = plan.via;
  if (via === "no address") return unseen(`${device} has no address here that could reach ${host}`);
  const shut = shutOnes(via);
  if (shut.length === 0) return fine(`${portsText(via)} open by ${device}`);
  return high(
    "vpn-closed",
    `${portsText(shut)} of ${host} ${shut[0]?.reached} by ${device}`,
    "when knocks fail, the VPN is the way round",
    `on the server: name its end of ${device} in [firewall] trusted_interfaces, then: ${applied("knockctl")}`,
  );
}

function waitsForCall({ plan }: About, { waiting, before }: Observed): Verdict | undefined {
  if (plan.client === undefined || plan.client.approval === "none") return undefined;
  if (waiting === undefined) return unseen("nobody was asked to call");
  const open = waiting.filter(({ port, reached }) => reached === "open" && !wasOpen(before, port));
  if (open.length === 0) return fine("the knock alone opened nothing while it waited for the call");
  return high(
    "open-before-call",
    `${portsText(open)} opened before anybody called`,
    "whoever has the knock needs no phone",
    `on the server: knockctl user set ${plan.client.user} --approval ${plan.client.approval}`,
  );
}

const wasOpen = (before: Doors, port: number): boolean =>
  before.some((door) => door.port === port && door.reached === "open");

function opensAfter({ plan, address }: About, { knock, before }: Observed): Verdict | undefined {
  if (plan.client === undefined) return undefined;
  const { user, approval } = plan.client;
  if (knock === undefined) return unseen("what a knock does: the door was open before it");
  const shut = shutOnes(knock.after);
  const how = approval === "none" ? "the knock" : "the call";
  if (shut.length === 0) return fine(`${portsText(knock.after)} open after ${how} of ${user}`);
  if (knock.code !== 0 || shut.length === knock.after.length)
    return high(
      "knock-failed",
      `${how} of ${user} opened nothing: ${knock.said.at(-1) ?? "the client said nothing"}`,
      `${user} does not come in from here`,
      `on the server: knockctl watch ${user}, then run this again: it names the reason`,
    );
  const news = knock.after.filter(({ port, reached }) => reached === "open" && !wasOpen(before, port));
  return high(
    "partly-open",
    `${portsText(shut)} ${shut[0]?.reached} after ${how} of ${user}; it opened ${portsText(news) || "nothing new"}`,
    `either ${user} has no such service, or nobody listens there at ${address}`,
    `on the server: knockctl user show ${user}, and: ss -ltn`,
  );
}

function secondStaysOut({ plan, address }: About, seen: Observed): Verdict | undefined {
  const { secondBefore, secondAfter, knock } = seen;
  if (plan.second === undefined || secondBefore === undefined) return undefined;
  if (isNowhere(secondBefore)) return unseen(`there is no way from ${plan.second} to ${address}`);
  const early = openOnes(secondBefore);
  if (early.length > 0)
    return high(
      "second-open-before",
      `${portsText(early)} open to ${plan.second} without a knock`,
      "whoever scans it finds it, unless this address is allowed on purpose",
      `on the server: knockctl allow lookup ${plan.second}`,
    );
  if (knock === undefined || secondAfter === undefined || openOnes(knock.after).length === 0)
    return unseen(`whether ${plan.second} stays out: nothing was opened`);
  const open = openOnes(secondAfter);
  if (open.length === 0) return fine(`${plan.second} stayed out`);
  return high(
    "second-let-in",
    `the knock let in ${plan.second} as well (${portsText(open)})`,
    "a grant is for one address; if both leave by one NAT they are one address to the server, and this proves nothing",
    "on the server: knockctl list shows for which address it opened; [access] ipv6_prefix = 128 opens for one IPv6 address",
  );
}

function expires({ plan }: About, { closed, knock }: Observed): Verdict | undefined {
  if (plan.wait === undefined || plan.client === undefined) return undefined;
  if (closed === undefined || knock === undefined)
    return unseen("whether it closes again: nothing was opened");
  const { user } = plan.client;
  if (closed.after !== null) return fine(`closed again ${formatDuration(closed.after)} after the knock`);
  return high(
    "still-open",
    `still open ${formatDuration(plan.wait)} after the knock`,
    "a grant that does not end is a hole; or its time is longer than was waited",
    `on the server: knockctl list says when it ends, knockctl user show ${user} for how long it opens`,
  );
}
