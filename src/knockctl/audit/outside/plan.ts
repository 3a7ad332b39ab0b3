import { type Address, parseAddress } from "../../../shared/address.ts";
import { type Duration, parseDuration } from "../../../shared/duration.ts";
import { misused } from "../../failure.ts";
import type { Client } from "./client-file.ts";

/** What is wished of an audit from outside, as it was typed. */
export interface OutsideWish {
  readonly host: string;
  readonly ports: readonly string[] | undefined;
  readonly second: string | undefined;
  readonly via: string | undefined;
  readonly viaHost: string | undefined;
  readonly wait: string | undefined;
  readonly phone: boolean;
}

/** What will be done, in this order: look, by the VPN, knock, from the second address, wait. */
export interface OutsidePlan {
  readonly host: string;
  /** TCP ports that must be shut to strangers. bounded: MOST_PORTS */
  readonly ports: readonly number[];
  /** undefined: nobody knocks, it is only looked whether the ports are closed. */
  readonly client: Client | undefined;
  /** Another address of this machine, that no knock is made from. */
  readonly second: Address | undefined;
  /** A trusted interface of this machine, and what the server is called behind it. */
  readonly via: { readonly device: string; readonly host: string } | undefined;
  /** How long to wait for the expiry at most; undefined: not at all. */
  readonly wait: Duration | undefined;
}

/** An audit looks at some doors; a port scan would make this machine a scanner in the server's eyes. */
const MOST_PORTS = 16;

/** @throws Failure (usage) for what cannot be, each with what to do */
export function planOutside(wish: OutsideWish, client: Client | undefined): OutsidePlan {
  for (const [option, host] of [
    ["--from-outside", wish.host],
    ["--via-host", wish.viaHost],
  ])
    if (host?.trim() === "")
      throw misused(`${option}: an empty name is no host`, "say which: pbx.example.com");
  if (client === undefined && (wish.second ?? wish.wait ?? (wish.phone || undefined)) !== undefined)
    throw misused("--second, --wait and --phone need a knock", "name a user's client: --client knock-ann.sh");
  checkPhone(wish, client);
  return {
    host: wish.host,
    ports: portsOf(wish.ports, client),
    client,
    second: wish.second === undefined ? undefined : secondOf(wish.second),
    via: wish.via === undefined ? undefined : { device: wish.via, host: wish.viaHost ?? wish.host },
    wait: wish.wait === undefined ? undefined : waitOf(wish.wait),
  };
}

function checkPhone({ phone }: OutsideWish, client: Client | undefined): void {
  if (client === undefined || phone === (client.approval !== "none")) return;
  throw phone
    ? misused(
        `${client.user} needs no approval by phone`,
        "leave --phone out, or: knockctl user set NAME --approval phone",
      )
    : misused(`a knock of ${client.user} waits for a call`, "have a phone at hand and add --phone");
}

function portsOf(texts: readonly string[] | undefined, client: Client | undefined): number[] {
  if (texts === undefined) {
    if (client?.probe !== undefined) return [client.probe];
    throw misused(
      "which ports must be closed?",
      client === undefined
        ? "name them: --ports tcp/22,tcp/5061"
        : `${client.user} opens only UDP: name a TCP port all the same`,
    );
  }
  if (texts.length > MOST_PORTS)
    throw misused(`more than ${MOST_PORTS} ports`, "name those that matter: this is no port scan");
  return texts.map((text) => {
    const port = Number(/^(?:tcp\/)?(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN);
    if (port >= 1 && port <= 65_535) return port;
    throw /^udp\//.test(text)
      ? misused(
          `${text}: an open UDP port and a closed one are silent alike`,
          "name TCP ports: tcp/22,tcp/5061",
        )
      : misused(`--ports: ${JSON.stringify(text)} is no port`, "write tcp/22,tcp/5061");
  });
}

function secondOf(text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw misused(
    `--second: ${JSON.stringify(text)} is no address`,
    "name another address of this machine: ip address",
  );
}

function waitOf(text: string): Duration {
  const span = parseDuration(text);
  if (span !== undefined) return span;
  throw misused(
    `--wait: ${JSON.stringify(text)} is no time`,
    "write it as 90s, 15m, 2h: a little longer than the user's --ttl",
  );
}
