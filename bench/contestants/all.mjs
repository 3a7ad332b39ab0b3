// @ts-check
// Everybody, in the order of the tables.
import { fwknopdPcap, fwknopdUdp } from "./fwknopd.mjs";
import { knockd } from "./knockd.mjs";
import { knockline, knocklineOtp, knocklineSsh } from "./knockline.mjs";
import { nftOnly } from "./nft-only.mjs";

export { fwknopdPcap, knockd, knockline, knocklineSsh, nftOnly };

/** One of each program: for what does not depend on knockline's proof. */
export const programs = [knockline, knockd, fwknopdPcap, fwknopdUdp, nftOnly];

export const everybody = [knockline, knocklineOtp, knocklineSsh, knockd, fwknopdPcap, fwknopdUdp, nftOnly];
