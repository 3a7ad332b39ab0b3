import { hours } from "../../src/shared/duration.ts";
import type { Policy } from "../../src/shared/firewall/policy.ts";

/** A policy with one of each: services of one port, of two protocols and of a range with replies, public ports, interfaces. */
export const policy: Policy = {
  guard: "services",
  mode: "guard",
  mark: 0x04000000,
  onExpiry: "keep",
  keepMax: hours(12),
  services: [
    { name: "ssh", ports: [{ proto: "tcp", from: 22, to: 22 }], replies: false },
    {
      name: "sip",
      ports: [
        { proto: "udp", from: 5060, to: 5060 },
        { proto: "tcp", from: 5060, to: 5061 },
      ],
      replies: false,
    },
    { name: "rtp", ports: [{ proto: "udp", from: 10_000, to: 20_000 }], replies: true },
  ],
  public: [
    { proto: "tcp", from: 80, to: 80 },
    { proto: "tcp", from: 443, to: 443 },
  ],
  trustedInterfaces: ["wg0", "tun*"],
  hooks: ["input"],
};
