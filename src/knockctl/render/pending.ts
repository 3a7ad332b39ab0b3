import { formatDuration, milliseconds } from "../../shared/duration.ts";
import type { PendingRequestView } from "../../shared/gate/views.ts";
import type { Terminal } from "../world.ts";
import { styleFor } from "./style.ts";
import { table } from "./table.ts";

/**
 * Requests as a table, oldest first.
 * @param now wall clock ms
 */
export function renderPending(
  requests: readonly PendingRequestView[],
  terminal: Terminal | undefined,
  now: number,
): string {
  if (requests.length === 0) return "nothing waits for an approval";
  const style = styleFor(terminal);
  const left = ({ expires }: PendingRequestView) => formatDuration(milliseconds(Date.parse(expires) - now));
  return table(
    [
      {
        title: "ADDRESS",
        cell: ({ address }: PendingRequestView) => ({ text: address, dress: style.strong }),
      },
      { title: "USER", cell: ({ user }) => user },
      { title: "ASKS FOR", cell: ({ services }) => services.join(","), spare: 1 },
      { title: "WAITS", cell: (request) => ({ text: left(request), dress: style.warning }), spare: 2 },
      { title: "ID", cell: ({ id }) => id },
    ],
    requests,
    style,
    terminal?.columns ?? Number.POSITIVE_INFINITY,
  );
}

/** One request in one line. */
export function pendingLine({ id, user, address, services }: PendingRequestView): string {
  return `${address} asked for ${services.join(", ")} as ${user} (${id})`;
}
