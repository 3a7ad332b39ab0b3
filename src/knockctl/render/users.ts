import { type Duration, formatDuration, seconds } from "../../shared/duration.ts";
import type { UserView } from "../../shared/gate/views.ts";
import type { Settings } from "../../shared/settings/settings.ts";
import type { Terminal } from "../world.ts";
import { type Style, styleFor } from "./style.ts";
import { type Cell, pairs, table } from "./table.ts";

const span = (value: number | null): string => (value === null ? "default" : formatDuration(seconds(value)));

const services = ({ services: names }: UserView): string => (names.length === 0 ? "all" : names.join(","));

/** Three knock steps as people and the stock knock client write them: `12345:udp`. */
export const stepsText = ({ steps }: Pick<UserView, "steps">): string =>
  steps.map(({ proto, port }) => `${port}:${proto}`).join(" ");

function state({ enabled, expires }: UserView, style: Style, now: number): Cell {
  if (!enabled) return { text: "disabled", dress: style.warning };
  if (expires === null) return { text: "enabled", dress: style.good };
  const day = expires.slice(0, 10);
  return Date.parse(expires) > now
    ? { text: `until ${day}`, dress: style.good }
    : { text: `expired ${day}`, dress: style.warning };
}

const has = (secret: boolean): string => (secret ? "yes" : "-");

/** All users as a table, without their secret ports. @param now ms since 1970 */
export function renderUsers(users: readonly UserView[], terminal: Terminal | undefined, now: number): string {
  if (users.length === 0) return "there is no user yet\nto add one: knockctl user add NAME";
  const style = styleFor(terminal);
  return table(
    [
      { title: "USER", cell: ({ name }: UserView) => ({ text: name, dress: style.strong }) },
      { title: "PROOF", cell: ({ proof }) => proof, spare: 1 },
      { title: "SERVICES", cell: services, spare: 2 },
      { title: "PIN", cell: ({ has_pin }) => has(has_pin), spare: 5 },
      { title: "OTP", cell: ({ has_otp }) => has(has_otp), spare: 5 },
      { title: "KEYS", cell: ({ ssh_keys }) => String(ssh_keys.length || "-"), spare: 5 },
      { title: "APPROVAL", cell: ({ approval }) => approval, spare: 4 },
      { title: "OPENS FOR", cell: ({ ttl }) => span(ttl), spare: 3 },
      { title: "STATE", cell: (user) => state(user, style, now) },
    ],
    users,
    style,
    terminal?.columns ?? Number.POSITIVE_INFINITY,
  );
}

const APPROVAL: Readonly<Record<UserView["approval"], string>> = {
  none: "none: a good knock opens",
  phone: "phone: the user calls after the knock",
  call: "call: the PBX calls back after the knock",
};

/** What holds for users who have no times of their own: [access] of the settings. */
export type Usual = Pick<Settings["access"], "ttl" | "maxTtl">;

/** A user's own time, or the usual one. @param setting its name, told where the settings cannot be read */
function timeOr(own: number | null, usual: Duration | undefined, setting: string): string {
  if (own !== null) return span(own);
  return usual === undefined ? `as long as [access] ${setting} says` : `${formatDuration(usual)} (default)`;
}

/** One user, secret ports and all. @param usual undefined: the settings cannot be read. @param now ms since 1970 */
export function renderUser(
  user: UserView,
  terminal: Terminal | undefined,
  usual: Usual | undefined,
  now: number,
): string {
  const style = styleFor(terminal);
  return pairs(
    [
      ["user", { text: user.name, dress: style.strong }],
      ["knock", stepsText(user)],
      ["proof", user.proof],
      ["services", services(user)],
      ["opens for", timeOr(user.ttl, usual?.ttl, "ttl")],
      ["at most", timeOr(user.max_ttl, usual?.maxTtl, "max_ttl")],
      ...user.ssh_keys.map((key) => ["SSH key", key] as const),
      ["authenticator", user.has_otp ? "yes" : "none"],
      ["phone PIN", user.has_pin ? "yes" : "none"],
      ["callers", user.callers.length === 0 ? undefined : user.callers.join(", ")],
      ["call back", user.phone ?? undefined],
      ["approval", APPROVAL[user.approval]],
      ["state", state(user, style, now)],
    ],
    style,
  );
}
