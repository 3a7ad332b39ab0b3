import type { ClientView, GrantView, UserView } from "../../src/shared/gate/views.ts";

/** A door that an admin opened, for tests of what knockctl makes of it. */
export const GRANT: GrantView = {
  id: "g1a2b3c",
  user: null,
  address: "203.0.113.7",
  services: ["ssh"],
  by: "admin",
  proof: null,
  since: "2026-08-01T12:00:00.000Z",
  expires: "2026-08-01T13:00:00.000Z",
  left: 3600,
  length: 3600,
};

/** A user with nothing special about her. */
export const USER: UserView = {
  name: "alice",
  steps: [{ proto: "udp", port: 12_345 }],
  proof: "none",
  services: ["ssh"],
  ttl: null,
  max_ttl: null,
  approval: "none",
  enabled: true,
  expires: null,
  ports_since: "2026-07-01T12:00:00.000Z",
  has_pin: false,
  has_otp: false,
  ssh_keys: [],
  phone: null,
  callers: [],
};

/** What a client is made of, for a user who opens ssh by three datagrams. */
export const CLIENT: ClientView = {
  server: "pbx.example.com-k3v9x2qa",
  user: "ann",
  steps: [
    { proto: "udp", port: 4711 },
    { proto: "udp", port: 29301 },
    { proto: "udp", port: 11822 },
  ],
  proof: "none",
  approval: "none",
  extension: "864",
  pending: 600,
  window: 30,
  services: [{ name: "ssh", ports: ["tcp/22"] }],
  probe: 22,
};
