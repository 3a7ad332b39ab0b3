import type { LinkEvent } from "./link.ts";

/** A channel as ARI's events bear it: the parts we read. */
export interface AriChannel {
  readonly id: string;
  /** `PJSIP/201-0000002a`, `Local/864@internal-00000000;2` */
  readonly name: string;
  readonly caller?: { readonly number?: string };
  readonly dialplan?: { readonly context?: string };
}

/** An event of ARI (docs.asterisk.org, REST Data Models): the parts we read. */
export interface AriEvent {
  readonly type: string;
  readonly channel?: AriChannel;
  readonly args?: readonly string[];
  readonly digit?: string;
  readonly playback?: { readonly id: string };
  readonly cause?: number;
  readonly eventname?: string;
}

/** The types of events that we read. */
export const HEARD = [
  "StasisStart",
  "StasisEnd",
  "ChannelDestroyed",
  "ChannelDtmfReceived",
  "PlaybackFinished",
] as const;

/** Reads an event of ARI. @returns undefined for those that say nothing to us */
export function readEvent(event: AriEvent): Exclude<LinkEvent, { kind: "state" }> | undefined {
  const { type, channel, playback } = event;
  if (type === "PlaybackFinished" && playback) return { kind: "played", playback: playback.id };
  if (channel === undefined) return undefined;
  switch (type) {
    case "StasisStart":
      return {
        kind: "call",
        channel: channel.id,
        endpoint: endpointOf(channel.name),
        number: channel.caller?.number ?? "",
        context: channel.dialplan?.context ?? "",
        args: event.args ?? [],
      };
    case "ChannelDtmfReceived":
      return { kind: "digit", channel: channel.id, digit: event.digit ?? "" };
    case "StasisEnd":
      return { kind: "gone", channel: channel.id, cause: null };
    case "ChannelDestroyed":
      return { kind: "gone", channel: channel.id, cause: event.cause ?? null };
    default:
      return undefined;
  }
}

/** @returns a channel's technology and endpoint: its name without the number of the channel */
export function endpointOf(name: string): string {
  return name.replace(/-[0-9a-f]{8}(;[12])?$/, "");
}
