/**
 * Writes an ISO 8601 time as a person reads it, `2026-08-01 14:02:11`.
 * @param zone an IANA time zone; undefined: the system's
 */
export function clockText(iso: string, zone: string | undefined): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  // Swedish custom writes dates as ISO 8601 does
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(
    at,
  );
}
