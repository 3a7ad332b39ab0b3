import type { Dice } from "./dice.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { Instance, User } from "./instance.ts";
import type { Host } from "./lab.ts";
import { totp } from "./proofs.ts";

/** What one secret may open: one of its addresses, once; where nobody confirms, none. */
export interface Claim {
  readonly kind: "plain" | "short" | "otp" | "code" | "unconfirmed";
  /** When it was made, for whoever reads that it did not hold. */
  readonly about: string;
  readonly addresses: readonly string[];
}

interface PhoneUser extends User {
  readonly pin: string;
  readonly otp_uri?: string;
}

/** What callers need. */
export interface Surroundings {
  readonly instance: Instance;
  /** From where they knock; every address of `11.0.0.0/16` is its own. */
  readonly host: Host;
  /** knockd's. */
  readonly clock: FakeClock;
  readonly random: Dice;
}

const star = (address: string): string => address.replaceAll(".", "*");

/** Keys of a call that names what is to be opened. */
const keysOf = ({ pin }: PhoneUser, ...entries: string[]): string =>
  [pin, ...entries].map((entry) => `${entry}#`).join("");

/** And of one that confirms it: twice, for a 1 before the question is dropped. */
const confirming = (keys: string): string => `${keys}11`;

/** Callers of every kind, honest and not, each call with an address that no other call names. */
export class Callers {
  /** All that was attempted. bounded: five a round */
  readonly claims: Claim[] = [];
  #addresses = 0;
  /** Keys of calls that try the codes of the round before again. bounded: two */
  #overheard: string[] = [];

  private constructor(
    private readonly around: Surroundings,
    private readonly users: Record<"plain" | "short" | "otp" | "code", PhoneUser>,
  ) {}

  /** Adds the users. @param short how long the door of one of them stays open, ms */
  static async add(around: Surroundings, short: number): Promise<Callers> {
    const add = async (name: string, options: string[] = []) =>
      (await around.instance.addUser(name, ["--pin", ...options])) as PhoneUser;
    return new Callers(around, {
      plain: await add("plain"),
      short: await add("short", ["--ttl", `${short / 1_000}s`]),
      otp: await add("otp", ["--otp"]),
      code: await add("code", ["--approval", "phone"]),
    });
  }

  /** Who calls now: in every other round with new codes, in the others with those that were overheard. @returns their keys */
  async next(round: number, about: string): Promise<string[]> {
    const plain = this.#plain(about);
    if (round % 2 === 0) return [...plain, ...this.#overheard.splice(0)];
    return [...plain, ...this.#withOtp(about), ...(await this.#withCode(about))];
  }

  /** Calls that need no more than a PIN. */
  #plain(about: string): string[] {
    const { plain, short } = this.users;
    return [
      confirming(keysOf(plain, star(this.#claim("plain", about)))),
      confirming(keysOf(short, star(this.#claim("short", about)))),
      keysOf(plain, star(this.#claim("unconfirmed", about))),
    ];
  }

  /** An authenticator's code, keyed by two callers at once, who want different addresses, and by a third later. */
  #withOtp(about: string): string[] {
    const { clock } = this.around;
    clock.ahead += 30;
    const code = totp(this.users.otp.otp_uri ?? "", Math.floor(clock.now / 30_000));
    const addresses = [this.#address(), this.#address(), this.#address()];
    this.claims.push({ kind: "otp", about, addresses });
    const [later = "", ...now] = addresses.map((one) => confirming(keysOf(this.users.otp, code, star(one))));
    this.#overheard.push(later);
    return now;
  }

  /** A knock's code, keyed by two callers at once, and by a third later. */
  async #withCode(about: string): Promise<string[]> {
    const { instance, host, random } = this.around;
    const source = this.#claim("code", about);
    const payload = String(1_000 + random.below(9_000));
    await instance.knock(host, this.users.code, { source, payload });
    const keys = keysOf(this.users.code, payload);
    this.#overheard.push(keys);
    return [keys, keys];
  }

  #claim(kind: Claim["kind"], about: string): string {
    const address = this.#address();
    this.claims.push({ kind, about, addresses: [address] });
    return address;
  }

  #address(): string {
    this.#addresses += 1;
    return `11.0.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 1}`;
  }
}
