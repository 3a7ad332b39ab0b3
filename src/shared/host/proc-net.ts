import { type Address, parseAddress } from "../address.ts";

/** One socket as /proc/net lists it. */
export interface SocketEntry {
  readonly proto: "tcp" | "udp";
  readonly state: "listen" | "established" | "other";
  readonly local: { readonly address: Address; readonly port: number };
  readonly remote: { readonly address: Address; readonly port: number };
  readonly inode: number;
}

/** State numbers of TCP in /proc/net/tcp (proc_net_tcp(5)); a bound UDP socket shows 7. */
const STATES: Record<string, SocketEntry["state"]> = { "01": "established", "0A": "listen", "07": "listen" };

/** Parses one of /proc/net/{tcp,tcp6,udp,udp6}; lines that make no sense are left out. */
export function parseProcNet(text: string, proto: SocketEntry["proto"]): SocketEntry[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => parseLine(line.trim().split(/\s+/), proto) ?? []);
}

/**
 * Reads only which ports are listened on (UDP: bound) out of such a file. With the sockets of a thousand users a
 * draw of ports would otherwise spend a second on addresses that it does not look at.
 */
export function listeningPorts(text: string): number[] {
  const lines = text.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} (?:0A|07) /gm);
  return [...lines].map(([, port = ""]) => Number.parseInt(port, 16));
}

function parseLine(fields: string[], proto: SocketEntry["proto"]): SocketEntry | undefined {
  const [, local, remote, state = "", , , , , , inode] = fields;
  const here = parseEnd(local);
  const there = parseEnd(remote);
  if (here === undefined || there === undefined) return undefined;
  return { proto, state: STATES[state] ?? "other", local: here, remote: there, inode: Number(inode) };
}

/** `0100007F:0016`: 32-bit words in host byte order (little-endian on all our machines), then the port. */
function parseEnd(text: string | undefined): { address: Address; port: number } | undefined {
  const [hex = "", port = ""] = text?.split(":") ?? [];
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, "hex");
  bytes.swap32();
  const written =
    bytes.length === 4 ? bytes.join(".") : (bytes.toString("hex").match(/.{4}/g) ?? []).join(":");
  const address = parseAddress(written);
  return address === undefined ? undefined : { address, port: Number.parseInt(port, 16) };
}
