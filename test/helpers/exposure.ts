/** The most exposure (systemd-analyze(1), security) that each unit may have; one without any hardening has 9.6. */
export const MOST_EXPOSURE: Readonly<Record<string, number>> = {
  "knockline-firewall.service": 1.9,
  "knockline-knockd.service": 1.9,
  "knockline-phone-auth.service": 1.5,
};

/** The exposure that a report of `systemd-analyze security UNIT` ends with. @returns NaN where it tells none */
export function exposureIn(report: string): number {
  return Number(/exposure level for \S+: ([\d.]+)/.exec(report)?.[1] ?? Number.NaN);
}
