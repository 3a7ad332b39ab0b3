import * as z from "zod";
import { parseAddress } from "../../address.ts";
import { type Duration, parseDuration } from "../../duration.ts";
import { isInterfaceName, type PortRange } from "../../firewall/policy.ts";
import { isExtension } from "../extension.ts";

/** A text field that is read by `parse`; `complaint` tells what it must be. */
function parsed<T>(parse: (text: string) => T | undefined, complaint: string) {
  return z.string().transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: complaint });
    return z.NEVER;
  });
}

/** @returns the two ends of `5060` or `5060-5061`, undefined unless 1 <= from <= to <= 65535. */
function parseSpan(text: string): { from: number; to: number } | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  return from >= 1 && from <= to && to <= 65_535 ? { from, to } : undefined;
}

function parsePorts(text: string): PortRange | undefined {
  const [, proto, span = ""] = /^(tcp|udp)\/([\d-]+)$/.exec(text) ?? [];
  const ends = parseSpan(span);
  return ends === undefined ? undefined : { proto: proto as "tcp" | "udp", ...ends };
}

/** @returns the number of a hex text with exactly one of 32 bits set, e.g. 0x04000000. */
function parseMark(text: string): number | undefined {
  if (!/^0x[0-9a-f]{1,8}$/i.test(text)) return undefined;
  const mark = Number(text);
  return Number.isInteger(Math.log2(mark)) ? mark : undefined;
}

/** @returns an address, or an address and a port as c-ares takes them: `192.0.2.53:5353`, `[2001:db8::53]:5353`. */
function parseResolver(text: string): string | undefined {
  const [, six, four, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) return parseAddress(text);
  return parseAddress(six ?? four ?? "") !== undefined && parseSpan(port) !== undefined ? text : undefined;
}

const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/;

/** A duration such as `90s` or `1d`, in ms. */
export const duration = parsed<Duration>(parseDuration, "must be a duration such as 90s, 15m, 2h, 1d");
/** Ports of one protocol: `tcp/22`, `udp/10000-20000`, both ends included. */
export const portRange = parsed(parsePorts, 'must be "tcp/22", "udp/10000-20000" or the like');
/** Two ports and all between them, both included: `2000-32767`. */
export const portSpan = parsed(parseSpan, 'must be two ports, such as "2000-32767"');
/** A number with exactly one of 32 bits set, written in hex. */
export const mark = parsed(parseMark, 'must be one bit in hex, such as "0x04000000"');
/** An IPv4 or IPv6 address, canonical. */
export const address = parsed<string>(parseAddress, "must be an IPv4 or IPv6 address");
/** Where names are asked for: an address, with a port or without. */
export const resolver = parsed(
  parseResolver,
  'must be the address of a resolver, with a port or without: "127.0.0.1", "[::1]:5353"',
);
/** An interface's name, or with a `*` at its end the start of several. */
export const networkInterface = parsed(
  (text) => (isInterfaceName(text) ? text : undefined),
  'must be an interface name, or the start of one: "tun*"',
);
/** [server] name, which signed knocks carry. */
export const serverName = parsed(
  (text) => (SERVER_NAME.test(text) ? text : undefined),
  "must be 1 to 64 letters, digits, dots and hyphens, a letter or digit first",
);

/** A text on one line, for values handed to other programs. */
export const word = parsed(
  (text) => (/^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined),
  "must be 1 to 255 visible characters without blanks",
);

/** What a phone dials: 1 to 32 characters. */
export const extension = parsed(
  (text) => (isExtension(text) ? text : undefined),
  "must be 1 to 32 digits, letters or *#+.-, as a phone dials it",
);

/** A path; what it counts from is decided by pathsFor. */
export const path = parsed(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  (text) => (/^[^\x00-\x1f]{1,4096}$/.test(text) ? text : undefined),
  "must be a path",
);

/** A whole number between two ends, both included. */
export const count = (least: number, most: number) => z.int().min(least).max(most);

/** A list of at least one, none twice. */
export const several = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .min(1)
    .refine(
      (list) => new Set(list.map((one) => JSON.stringify(one))).size === list.length,
      "names one twice",
    );
