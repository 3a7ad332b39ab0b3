import { networkInterfaces } from "node:os";
import { type Address, parseAddress } from "../../address.ts";

/** @returns true for an address of one of this host's interfaces, now */
export async function isOwnAddress(address: Address): Promise<boolean> {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .some((own) => parseAddress(own.address) === address);
}
