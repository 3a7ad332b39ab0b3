import blobs from "../vectors/sshsig/blobs.json" with { type: "json" };
import genuine from "../vectors/sshsig/genuine.json" with { type: "json" };
import lines from "../vectors/sshsig/lines.json" with { type: "json" };
import securityKeys from "../vectors/sshsig/security-keys.json" with { type: "json" };

/** The signed knocks of test/vectors/sshsig. */
export const vectors = [...genuine, ...securityKeys, ...lines, ...blobs];

/** The last steps' datagrams. */
export const datagrams = vectors.map(({ payload }) => Buffer.from(payload, "latin1"));

/** What stands behind the last blank of each: the SSHSIG blob, where it is base64. */
export const sshsigs = vectors.map(({ payload }) =>
  Buffer.from(payload.slice(payload.lastIndexOf(" ") + 1), "base64"),
);

/** The keys that signed them, as lines of authorized_keys, each once. */
export const keyLines = [...new Set(vectors.flatMap(({ keys }) => keys))];

/** Where and when most of them open. `now` in wall clock ms. */
export const scene = {
  server: genuine[0]?.server ?? "",
  user: genuine[0]?.user ?? "",
  now: (genuine[0]?.now ?? 0) * 1000,
};
