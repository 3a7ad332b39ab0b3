import type { LinkEvent } from "./link.ts";

/** The types of events that we read. */
export const HEARD = [
  "StasisStart",
  "StasisEnd",
  "ChannelDestroyed",
  "ChannelDtmfReceived",
  "PlaybackFinished",
] as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads an event of ARI (docs.asterisk.org, REST Data Models). What a caller chose stands in it too: whatever is not
 * of its type counts as absent.
 * @returns undefined for those that say nothing to us
 */
export function readEvent(event: unknown): Exclude<LinkEvent, { kind: "state" }> | undefined {
  const { type, channel, playback, ...rest } = fields(event);
  if (type === "PlaybackFinished") {
    const id = text(fields(playback).id);
    return id === "" ? undefined : { kind: "played", playback: id };
  }
  const { id, name, caller, dialplan } = fields(channel);
  if (text(id) === "" || text(name) === "") return undefined;
  return readChannelEvent(text(type), { id: text(id), name: text(name), caller, dialplan }, rest);
}

function readChannelEvent(
  type: string,
  { id, name, caller, dialplan }: { id: string; name: string; caller: unknown; dialplan: unknown },
  { args, digit, cause }: Fields,
): Exclude<LinkEvent, { kind: "state" }> | undefined {
  switch (type) {
    case "StasisStart":
      return {
        kind: "call",
        channel: id,
        endpoint: endpointOf(name),
        number: text(fields(caller).number),
        context: text(fields(dialplan).context),
        args: Array.isArray(args) ? args.map(text) : [],
      };
    case "ChannelDtmfReceived":
      return { kind: "digit", channel: id, digit: text(digit) };
    case "StasisEnd":
      return { kind: "gone", channel: id, cause: null };
    case "ChannelDestroyed":
      return { kind: "gone", channel: id, cause: typeof cause === "number" ? cause : null };
    default:
      return undefined;
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** @returns a channel's technology and endpoint: its name without the number of the channel */
export function endpointOf(name: string): string {
  return name.replace(/-[0-9a-f]{8}(;[12])?$/, "");
}
