import * as z from "zod";
import { CALL_ENDS, type PhoneVerb, type PhoneVerbs } from "../phone-verbs.ts";
import { Refusal } from "../verbs.ts";

const session = z.string().regex(/^[0-9a-f]{32}$/);
const id = z.string().regex(/^p[0-9a-f]{6}$/);
const digits = (min: number, max: number) => z.string().regex(new RegExp(`^[0-9]{${min},${max}}$`));
const caller = z.strictObject({
  lane: z.enum(["internal", "external"]),
  endpoint: z.string().regex(/^[A-Za-z0-9_.+@:/-]{1,80}$/),
  number: z
    .string()
    .regex(/^\+?[0-9*#]{1,32}$/)
    .nullable(),
});

/** The arguments of every verb of the phone socket. What is not listed here is refused. */
const verbs: { [V in PhoneVerb]: z.ZodType<PhoneVerbs[V]["args"]> } = {
  verify_pin: z.strictObject({ pin: digits(1, 40), caller, request: id.optional() }),
  verify_otp: z.strictObject({ session, code: digits(1, 40) }),
  pending: z.strictObject({ session }),
  approve: z.strictObject({ session, code: digits(4, 8).optional(), id: id.optional() }),
  grant_address: z.strictObject({ session, address: z.string().max(45), dry: z.boolean().optional() }),
  last: z.strictObject({ session }),
  close_all: z.strictObject({ session }),
  status: z.strictObject({
    session: session.optional(),
    link: z.enum(["connecting", "up", "refused", "replaced"]).optional(),
  }),
  deny: z.strictObject({ id }),
  call_over: z.strictObject({ id, end: z.enum(CALL_ENDS) }),
  callbacks: z.strictObject({}),
};

/** One question as it came over the phone socket. */
export interface PhoneRequest<V extends PhoneVerb = PhoneVerb> {
  readonly verb: V;
  readonly args: PhoneVerbs[V]["args"];
}

/** Decodes one line of the phone socket. @throws Refusal `usage`; the message holds nothing of what was sent */
export function decodePhoneRequest(line: string): PhoneRequest {
  let value: { verb?: unknown; args?: unknown } | null = null;
  try {
    value = JSON.parse(line);
  } catch {
    // refused below, in the same words
  }
  const verb = typeof value === "object" ? value?.verb : undefined;
  if (typeof verb !== "string" || !Object.hasOwn(verbs, verb)) {
    throw new Refusal(
      "usage",
      "this is no question that phone-auth may ask",
      "use the phone-auth of the same version",
    );
  }
  const result = verbs[verb as PhoneVerb].safeParse(value?.args ?? {});
  if (!result.success) {
    const where = result.error.issues[0]?.path.join(".") ?? "";
    throw new Refusal(
      "usage",
      `${verb}: ${where || "the arguments"} cannot be right`,
      "use the phone-auth of the same version",
    );
  }
  return { verb: verb as PhoneVerb, args: result.data as PhoneVerbs[PhoneVerb]["args"] };
}
