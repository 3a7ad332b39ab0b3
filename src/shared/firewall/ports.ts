import type { PortRange } from "./policy.ts";

/** Merges overlapping and touching runs: nft refuses an anonymous set whose intervals overlap. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const out: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last === undefined || range.from > last.to + 1) out.push(range);
    else out[out.length - 1] = { ...last, to: Math.max(last.to, range.to) };
  }
  return out;
}

const run = ({ from, to }: PortRange): string => (from === to ? `${from}` : `${from}-${to}`);

/** @returns for each protocol present its ports as nft writes them: `22`, `5060-5061`, `{ 80, 443 }`. TCP first. */
export function portSet(ranges: readonly PortRange[]): ["tcp" | "udp", string][] {
  return (["tcp", "udp"] as const).flatMap((proto): ["tcp" | "udp", string][] => {
    const runs = merged(ranges.filter((range) => range.proto === proto)).map(run);
    if (runs.length === 0) return [];
    return [[proto, runs.length === 1 ? `${runs[0]}` : `{ ${runs.join(", ")} }`]];
  });
}

/** @returns a match on the destination port. */
export const dport = (proto: "tcp" | "udp", ports: string): string => `${proto} dport ${ports}`;

/** @returns one match on destination ports for each protocol present. */
export const dports = (ranges: readonly PortRange[]): string[] =>
  portSet(ranges).map(([proto, set]) => dport(proto, set));
