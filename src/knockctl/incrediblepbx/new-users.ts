import { formatDuration } from "../../shared/duration.ts";
import type { Service } from "../../shared/firewall/policy.ts";
import { isUserName } from "../../shared/users/user.ts";
import type { Sequence } from "./knockd-conf.ts";
import { servicesFor } from "./take-over.ts";

/** A user for a sequence's name: `openSSH` is `openssh`. */
function nameOf({ name }: Sequence): string {
  const name_ = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return isUserName(name_) ? name_ : "traveller";
}

/**
 * Commands that give those who knock now a user of their own: ports are drawn anew, for those of a shared file are known to
 * everybody who ever had it.
 * @param people who knocks now; undefined: one user for each sequence, called like it
 * @returns what follows `knockctl ` in each
 */
export function newUsers(
  sequences: readonly Sequence[],
  people: readonly string[] | undefined,
  services: readonly Service[],
): string[] {
  const all = services.map(({ name }) => name);
  const opened = sequences.map(({ ports }) => {
    const found = ports === null ? undefined : servicesFor(ports, services);
    return found === undefined || found.length === 0 ? all : found;
  });
  const command = (name: string, open: readonly string[], times: readonly Sequence[]): string => {
    const longest = Math.max(0, ...times.map(({ opensFor }) => opensFor ?? 0));
    const ttl = times.map(({ opensFor }) => opensFor).find((span) => span === longest);
    return `user add ${name} --services ${open.join(",")}${ttl == null ? "" : ` --ttl ${formatDuration(ttl)}`}`;
  };
  if (people !== undefined) {
    const open = all.filter((name) => opened.some((list) => list.includes(name)));
    return people.map((name) => command(name, open, sequences));
  }
  return sequences.map((sequence, at) => command(nameOf(sequence), opened[at] ?? all, [sequence]));
}
