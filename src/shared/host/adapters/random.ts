import { randomBytes, randomInt } from "node:crypto";
import type { Random } from "../../users/ports.ts";

/** Uniform whole numbers in 0 .. n-1 from the system's generator. */
export const systemRandom: Random = (n) => randomInt(n);

/** @returns a token of 128 bits, 32 hex digits */
export function freshToken(): string {
  return randomBytes(16).toString("hex");
}

/** @returns a grant id: `g` and 6 hex digits. By randomInt, which draws ahead: a knock waits for this. */
export function freshGrantId(): string {
  return `g${randomInt(1 << 24)
    .toString(16)
    .padStart(6, "0")}`;
}
