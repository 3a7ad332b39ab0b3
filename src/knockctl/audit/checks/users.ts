import { days, formatDuration, hours, seconds } from "../../../shared/duration.ts";
import type { UserView } from "../../../shared/gate/views.ts";
import type { Check } from "../seen.ts";
import { type Finding, findingsOr } from "../verdict.ts";

/** Ports that so many packets have carried in the clear are no secret any more. */
const OLD = days(365);
/** An admin's grant for longer belongs into the allowlist, where it can be seen. */
const LONG = hours(24);
/** More networks than this behind one entry: /16 of IPv4, /32 of IPv6. */
const WIDEST = { 4: 16, 6: 32 } as const;

/** Does everybody show more than the ports? */
const proofs: Check = ({ users, self }) =>
  findingsOr(
    "every user proves more than the ports",
    users
      .filter(({ enabled, proof, approval }) => enabled && proof === "none" && approval === "none")
      .map(({ name, steps }) => ({
        id: `no-proof-${name}`,
        severity: "medium",
        what: `user ${name} shows no proof but the ports`,
        why: "whoever sees one knock on its way can knock from then on, from anywhere",
        // a TCP step carries no proof
        fix: `${self} user set ${name}${steps.at(-1)?.proto === "tcp" ? " --steps udp,udp,udp" : ""} --proof otp --otp`,
      })),
  );

/** Is somebody still there who should have gone? */
const gone: Check = ({ users, now, self }) =>
  findingsOr(
    "no user has expired",
    users
      .filter(({ expires }) => expires !== null && Date.parse(expires) <= now)
      .map(({ name, expires }) => ({
        id: `expired-${name}`,
        severity: "low",
        what: `user ${name} expired ${expires}`,
        why: "the ports stay bound, and the entry looks as if it still meant something",
        fix: `${self} user remove ${name}`,
      })),
  );

const isOld = ({ ports_since }: UserView, now: number): boolean => now - Date.parse(ports_since) > OLD;

/** Are secrets ever renewed? */
const age: Check = ({ users, now, self }) =>
  findingsOr(
    "no secret ports are older than a year",
    users
      .filter((user) => user.enabled && user.proof === "none" && isOld(user, now))
      .map(({ name, ports_since }) => ({
        id: `old-ports-${name}`,
        severity: "low",
        what: `user ${name} has had the same ports since ${ports_since.slice(0, 10)}`,
        why: "with proof none the ports are the whole secret, and each knock shows them to the network",
        fix: `${self} user rotate ${name} --ports`,
      })),
  );

/** Do settings and users fit together? */
const stored: Check = ({ problems, self }) =>
  findingsOr(
    "no user's ports are in the way of a setting",
    problems.map((problem, n) => ({
      id: `user-problem-${n + 1}`,
      severity: "medium",
      what: problem,
      why: "such a knock never arrives",
      fix: `${self} user rotate ${/user ([a-z][a-z0-9_-]*)/.exec(problem)?.[1] ?? "NAME"} --ports`,
    })),
  );

/** Does an admin's grant stay open for very long? */
const grants: Check = ({ grants: live, self }) =>
  findingsOr(
    "no door is held open for days",
    live
      .filter(({ by, left }) => by === "admin" && seconds(left) > LONG)
      .map(({ id, address, left }) => ({
        id: `long-grant-${id}`,
        severity: "low",
        what: `${address} is open for ${formatDuration(seconds(left))} more`,
        why: "whoever has that address next comes in",
        fix: `${self} revoke ${id}`,
      })),
  );

/** @returns how wide an entry is, when it is too wide */
function tooWide(what: string): string | undefined {
  const [address = "", bits] = what.split("/");
  const limit = address.includes(":") ? WIDEST[6] : WIDEST[4];
  return bits !== undefined && Number(bits) < limit ? `/${bits}` : undefined;
}

/** Does the allowlist let in more than was meant? */
const wide: Check = ({ allowed, self }) =>
  findingsOr(
    "no allowlist entry is very wide",
    allowed
      .filter(({ what }) => tooWide(what) !== undefined)
      .map(({ what, services }) => ({
        id: `wide-${what.replace(/[^0-9a-f]+/gi, "-")}`,
        severity: tooWide(what) === "/0" ? "high" : "medium",
        what: `the allowlist lets all of ${what} into ${services.length === 0 ? "everything" : services.join(", ")}`,
        why:
          tooWide(what) === "/0"
            ? "that is everybody: no stranger is shut out of it"
            : "a network of that size is full of strangers",
        fix: `${self} allow remove ${what}`,
      })),
  );

/** Are the allowlist's names still known? */
const names: Check = ({ allowed, now, self }) =>
  findingsOr(
    "every name in the allowlist resolves",
    allowed.flatMap(({ what, failing, addresses }): Finding[] => {
      if (failing === null) return [];
      const never = addresses.length === 0;
      const since = now - Date.parse(failing.since);
      return [
        {
          id: `name-${what}`,
          severity: never ? "medium" : "low",
          what: never
            ? `${what} in the allowlist has never resolved: ${failing.why}`
            : `${what} in the allowlist has not resolved for ${formatDuration(seconds(Math.round(since / 1000)))}: ${failing.why}`,
          why: never
            ? "it lets nobody in"
            : "its last addresses still come in, and may belong to somebody else by now",
          fix: never || since > days(30) ? `${self} allow remove ${what}` : `${self} allow refresh ${what}`,
        },
      ];
    }),
  );

/** Who may come in, and how he shows it. */
export const userChecks: readonly Check[] = [proofs, gone, age, stored, grants, wide, names];
