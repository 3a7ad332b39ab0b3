import type { ShownOnce } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { styleFor } from "./style.ts";
import { pairs } from "./table.ts";

/**
 * What is shown once and never again, after a user was added or changed.
 * @param qr the URI as a drawn QR code, where it can be shown
 * @returns its lines; none when nothing was drawn
 */
export function renderOnce(
  { pin, otp_uri }: ShownOnce,
  terminal: Terminal | undefined,
  qr: string | undefined,
): string[] {
  if (pin === undefined && otp_uri === undefined) return [];
  const style = styleFor(terminal);
  const secrets = pairs(
    [
      ["PIN", pin === undefined ? undefined : { text: pin, dress: style.strong }],
      ["authenticator", otp_uri],
    ],
    style,
  );
  const what =
    otp_uri === undefined ? "note it" : qr === undefined ? "enter it in the app" : "scan it with the app";
  return ["", secrets, ...(qr === undefined ? [] : [qr]), style.warning(`shown once: ${what} now`)];
}
