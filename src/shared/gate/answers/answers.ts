import type { Gate } from "../../access/gate.ts";
import { refusal } from "../refusal.ts";
import type { AdminVerbs, Verb } from "../verbs.ts";
import { allowAnswers } from "./allow.ts";
import type { Answerer, Answers } from "./answerer.ts";
import { approvalAnswers } from "./approval.ts";
import { firewallAnswers } from "./firewall.ts";
import { grantAnswers } from "./grants.ts";
import { instanceAnswers } from "./instance.ts";
import { userAnswers } from "./users.ts";

/** One answer a verb, in the file of its theme. The compiler names a verb that has none. */
const answers: Answers<Exclude<Verb, "watch">> = {
  ...grantAnswers,
  ...userAnswers,
  ...approvalAnswers,
  ...allowAnswers,
  ...firewallAnswers,
  ...instanceAnswers,
};

/**
 * Answers one question of an admin.
 * @throws Refusal, whatever went wrong: a no, a damaged store, a kernel that did not take it
 */
export async function answer<V extends Exclude<Verb, "watch">>(
  gate: Gate,
  verb: V,
  args: AdminVerbs[V]["args"],
  about: Answerer,
): Promise<AdminVerbs[V]["result"]> {
  try {
    return await answers[verb](gate, args, about);
  } catch (error) {
    throw refusal(error);
  }
}
