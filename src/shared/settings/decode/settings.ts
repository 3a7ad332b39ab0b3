import type { Policy } from "../../firewall/policy.ts";
import { pathsFor } from "../paths.ts";
import type { SettingsProblem } from "../problem.ts";
import { brokenRules } from "../rules.ts";
import type { Settings } from "../settings.ts";
import { problemsOf } from "./issues.ts";
import { type Sections, sections } from "./sections.ts";

/** Settings, or all that is wrong with them. */
export type Decoded =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly errors: SettingsProblem[] };

function policyOf({ access, firewall, services }: Sections): Policy {
  return {
    guard: firewall.guard,
    mode: firewall.mode,
    mark: firewall.mark,
    onExpiry: access.on_expiry,
    keepMax: access.keep_max,
    services: Object.entries(services).map(([name, { ports, replies }]) => ({ name, ports, replies })),
    public: firewall.public,
    trustedInterfaces: firewall.trusted_interfaces,
    hooks: firewall.hooks,
  };
}

function settingsOf(file: string, decoded: Sections, sounds?: string): Settings {
  const { access, phone } = decoded;
  return {
    paths: pathsFor(file, decoded.paths, sounds),
    server: decoded.server,
    knock: decoded.knock,
    access: {
      ttl: access.ttl,
      maxTtl: access.max_ttl,
      maxGrantsPerUser: access.max_grants_per_user,
      ipv6Prefix: access.ipv6_prefix,
      privateAddresses: access.private_addresses,
    },
    policy: policyOf(decoded),
    allow: decoded.allow,
    phone: {
      enabled: phone.enabled,
      url: phone.url,
      username: phone.username,
      app: phone.app,
      extension: phone.extension,
      context: phone.context,
      callback: phone.callback,
      maxCalls: phone.max_calls,
      sounds: phone.sounds,
      pending: phone.pending,
      firstDigit: phone.first_digit,
      betweenDigits: phone.between_digits,
      longestCall: phone.longest_call,
      ring: phone.ring,
    },
    history: decoded.history,
    log: decoded.log,
  };
}

/**
 * Decodes a settings file that was read as TOML (or any unknown value; never throws).
 * @param file the settings file, absolute: relative paths count from its folder
 * @param sounds where the recordings are that came with the programs; by default where the package puts them
 */
export function decodeSettings(raw: unknown, file: string, sounds?: string): Decoded {
  const result = sections.safeParse(raw);
  if (!result.success) return { ok: false, errors: problemsOf(result.error.issues, raw) };
  const settings = settingsOf(file, result.data, sounds);
  const errors = brokenRules(settings);
  return errors.length === 0 ? { ok: true, settings } : { ok: false, errors };
}
