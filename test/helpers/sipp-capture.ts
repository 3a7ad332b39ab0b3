/**
 * A packet capture of somebody keying on a telephone, for SIPp to play: telephone events (RFC 4733) in one RTP stream
 * (RFC 3550), its sequence and timestamp ever rising. The captures that come with SIPp hold one key each and start
 * anew with every key: a receiver takes the second for a late packet of the first, and drops it.
 */

/** What the SDP calls `telephone-event`. */
export const PAYLOAD_TYPE = 101;

const EVENTS = "0123456789*#";
const SAMPLES_A_MS = 8;
/** Packets come every 20 ms, as voice does. */
const STEP = 20;
const TONE = 100;
const GAP = 100;
/** A lost end would make one long key: it is sent three times (RFC 4733, section 2.5.1.4). */
const ENDS = 3;

interface Packet {
  /** ms since the stream began */
  readonly at: number;
  readonly bytes: Buffer;
}

interface Tone {
  /** ms since the stream began */
  readonly at: number;
  readonly event: number;
}

/**
 * Makes a capture of keys.
 * @param keys `0-9 * #`; `w` is a pause of half a second
 * @returns a pcap file: Ethernet, IPv4, UDP; SIPp puts in its own addresses and ports
 * @throws Error at any other key
 */
export function captureOfKeys(keys: string): Buffer {
  let sequence = 0;
  const next = (): number => {
    sequence += 1;
    return sequence;
  };
  return pcap(schedule(keys).flatMap((tone) => packetsOf(tone, next)));
}

function schedule(keys: string): Tone[] {
  const tones: Tone[] = [];
  let end = 0;
  for (const key of keys) {
    if (key === "w") {
      end += 500;
      continue;
    }
    const event = EVENTS.indexOf(key);
    if (event === -1) throw new Error(`no telephone has the key ${key}`);
    tones.push({ at: end, event });
    end += TONE + GAP;
  }
  return tones;
}

function packetsOf({ at, event }: Tone, sequence: () => number): Packet[] {
  const steps = TONE / STEP;
  const packet = (step: number, isEnd: boolean, late = 0): Packet => ({
    at: at + step * STEP + late,
    bytes: rtp({
      sequence: sequence(),
      // all packets of one key carry the time at which it went down; the first is marked
      timestamp: at * SAMPLES_A_MS,
      isFirst: step === 0,
      payload: telephoneEvent(event, isEnd, Math.min(step + 1, steps) * STEP * SAMPLES_A_MS),
    }),
  });
  return [
    ...Array.from({ length: steps }, (_, step) => packet(step, false)),
    ...Array.from({ length: ENDS }, (_, again) => packet(steps, true, again)),
  ];
}

/** Event, end bit and volume (-10 dBm0), samples since the key went down: RFC 4733, section 2.3. */
function telephoneEvent(event: number, isEnd: boolean, samples: number): Buffer {
  const payload = Buffer.from([event, (isEnd ? 0x80 : 0) | 10, 0, 0]);
  payload.writeUInt16BE(samples, 2);
  return payload;
}

function rtp(packet: { sequence: number; timestamp: number; isFirst: boolean; payload: Buffer }): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80; // version 2
  header[1] = (packet.isFirst ? 0x80 : 0) | PAYLOAD_TYPE;
  header.writeUInt16BE(packet.sequence, 2);
  header.writeUInt32BE(packet.timestamp, 4);
  header.writeUInt32BE(0x6b6e6f63, 8); // the stream's name, any number
  return Buffer.concat([header, packet.payload]);
}

/** Ethernet, IPv4 and UDP around a payload; no addresses, ports or checksums. */
function frame(payload: Buffer): Buffer {
  const ethernet = Buffer.alloc(14);
  ethernet.writeUInt16BE(0x0800, 12);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + payload.length, 2);
  ip[8] = 64;
  ip[9] = 17;
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([ethernet, ip, udp, payload]);
}

/** The classic format of libpcap (pcap-savefile(5)). */
function pcap(packets: readonly Packet[]): Buffer {
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => {
      bytes.writeUInt32LE(value, index * 4);
    });
    return bytes;
  };
  const header = words(0xa1b2c3d4, 0x0004_0002, 0, 0, 65_535, 1); // version 2.4, Ethernet
  const records = packets.flatMap(({ at, bytes }) => {
    const data = frame(bytes);
    return [words(Math.floor(at / 1000), (at % 1000) * 1000, data.length, data.length), data];
  });
  return Buffer.concat([header, ...records]);
}
