import powershell from "../../../clients/knock.ps1";
import bash from "../../../clients/knock.sh";
import { parseAddress } from "../address.ts";
import { isServiceName } from "../firewall/policy.ts";
import { Refusal } from "../gate/verbs.ts";
import type { ClientView } from "../gate/views.ts";
import { isExtension } from "../settings/extension.ts";
import { renderText } from "./text.ts";

/** The forms a client is made in: a bash file, a PowerShell file, or settings for other people's programs. */
export const CLIENT_FORMATS = ["sh", "ps1", "text"] as const;
/** One of CLIENT_FORMATS. */
export type ClientFormat = (typeof CLIENT_FORMATS)[number];

/**
 * Makes one self-contained client. It holds the user's secret ports: whoever writes it to a file makes it 0700.
 * @param host what the laptop knocks on: a name or address as seen from outside
 * @returns the whole file as text, ending in a newline
 * @throws Refusal `usage` for a host that is no host name or address, `refused` for a proof that this
 *   format cannot give, `broken` for a view with anything in it that could break out of its place in a script
 */
export function renderClient(view: ClientView, host: string, format: ClientFormat): string {
  checkHost(host);
  checkProof(view, format);
  checkView(view);
  if (format === "text") return renderText(view, host);
  return fill(format === "sh" ? bash : powershell, {
    HOST: host,
    SERVER: view.server,
    USER: view.user,
    STEPS: view.steps.map(({ proto, port }) => `${proto}/${port}`).join(" "),
    PROBE: view.probe === null ? "" : String(view.probe),
    PROOF: view.proof,
    APPROVAL: view.approval,
    EXTENSION: view.extension,
    PENDING: String(view.pending),
    SERVICES: view.services.map(({ name, ports }) => `${name}: ${ports.join(" ")}`).join(", "),
  });
}

/** @returns the host part of a server's name, without the eight random characters that `init` puts behind it. */
export function hostOfServer(server: string): string {
  return server.replace(/-[a-z0-9]{8}$/, "");
}

/** True for what may stand in a script's quotes as a host: RFC 1123 host name (underscores too), or an address. */
function isHost(text: string): boolean {
  if (parseAddress(text) !== undefined) return true;
  const labels = text.split(".");
  // a name of digits only would be taken for an address in short form
  return text.length <= 253 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? "");
}

const isLabel = (label: string): boolean => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label);
const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

function checkHost(host: string): void {
  if (isHost(host)) return;
  throw new Refusal(
    "usage",
    `not a host name or address: ${JSON.stringify(host.slice(0, 80))}`,
    "give the name or address by which the server is reached from outside, without a port: --host pbx.example.com",
  );
}

/** PowerShell pipes lines of text into a program, not bytes: what ssh-keygen signed would not be what is sent. */
function checkProof({ user, proof }: ClientView, format: ClientFormat): void {
  if (proof !== "ssh" || format !== "ps1") return;
  throw new Refusal(
    "refused",
    `user ${JSON.stringify(user)} signs with an SSH key, which the PowerShell client cannot do`,
    "use --format sh in WSL, or give the user an authenticator: knockctl user set NAME --proof otp",
  );
}

/** Nothing that passes holds a quote, a blank, a line end or a sign that bash or PowerShell would act on. */
function checkView(view: ClientView): void {
  const sound =
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(view.server) &&
    /^[a-z][a-z0-9_-]{0,31}$/.test(view.user) &&
    view.steps.length > 0 &&
    view.steps.every(({ proto, port }) => (proto === "udp" || proto === "tcp") && isPort(port)) &&
    (view.probe === null || isPort(view.probe)) &&
    isExtension(view.extension) &&
    Number.isInteger(view.pending) &&
    view.pending > 0 &&
    view.services.every(({ name, ports }) => isServiceName(name) && ports.every(isPortText));
  if (sound) return;
  throw new Refusal(
    "broken",
    `what is stored of user ${JSON.stringify(view.user)} does not fit into a client`,
    "look at it with: knockctl user show NAME --json, and knockctl config check",
  );
}

const isPortText = (text: string): boolean => /^(tcp|udp)\/\d{1,5}(-\d{1,5})?$/.test(text);

/** Replaces each @NAME@; a template and this file must agree on the names. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/@([A-Z]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`a client template asks for @${name}@, which nobody fills in`);
    return value;
  });
}
