/** Waiting for a condition with a deadline, instead of sleeping; see scripts/until.mjs. */
export { always, until } from "../../scripts/until.mjs";
