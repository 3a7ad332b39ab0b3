// @ts-check
// Grants by the ten thousand, straight into the store while no knockd runs: one at a time would take minutes.

/**
 * @typedef {object} Store what is used of ours (src/shared/store/store.ts)
 * @property {(prefix: string) => Promise<readonly (readonly [key: string, value: unknown])[]>} read
 * @property {(batch: readonly { key: string, value?: unknown }[]) => Promise<void>} write
 */

/** Written in one batch. */
const BATCH = 5_000;

/**
 * Copies the first grant there is, one for each address.
 * @param {Store} store
 * @param {readonly string[]} addresses
 */
export async function copyGrant(store, addresses) {
  const [[, pattern] = []] = await store.read("grant/");
  if (pattern === undefined) throw new Error("there is no grant to copy");
  const copies = addresses.map((address, n) => {
    const id = `g${n.toString(16).padStart(6, "0")}`;
    return { key: `grant/${id}`, value: { .../** @type {object} */ (pattern), id, address } };
  });
  for (let at = 0; at < copies.length; at += BATCH) await store.write(copies.slice(at, at + BATCH));
}

/** @param {number} size @returns {string[]} that many addresses of travellers, none of which the lab uses */
export const travellers = (size) =>
  Array.from({ length: size }, (_, n) => `12.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
