import type { Address } from "../../shared/address.ts";
import { type Duration, formatDuration, seconds } from "../../shared/duration.ts";
import { accept, andThen, type Checked, refuse } from "../../shared/ssh/checked.ts";
import { type Datagram, parseDatagram } from "../../shared/ssh/datagram.ts";
import type { SshKey } from "../../shared/ssh/key-line.ts";
import type { SshRefusal } from "../../shared/ssh/refusals.ts";
import { faultOfStamp, type Replay, type Stamp, TOLERANCE } from "../../shared/ssh/replay.ts";
import { decodeSshsig, type Sshsig } from "../../shared/ssh/sshsig.ts";
import { faultOfSignature } from "../../shared/ssh/verify.ts";

/** What a signed knock is held against. */
export interface Against {
  /** Our own name: [server] name. */
  readonly server: string;
  /** Whose ports were knocked. */
  readonly user: string;
  // bounded: MAX_KEYS
  readonly keys: readonly SshKey[];
  /** What is remembered of the user's earlier knocks. */
  readonly replay: Replay;
  /** Wall clock ms. */
  readonly now: number;
}

/** What was proved: this user signed this, now. It is not used up yet: only the gate can say that it is the first. */
export interface SignedKnock extends Stamp {
  readonly user: string;
  readonly address: Address | null;
  readonly length: Duration | null;
  readonly code: string | null;
  /** Fingerprint of the key, for log and history. */
  readonly key: string;
  readonly __authenticated: unique symbol;
}

/** Why not. */
export type SshDenial = SshRefusal | "payload_too_long";

// Each check takes what the one before has let through, so that none can be left out or moved.
type Addressed = Datagram & { readonly __addressed: unique symbol };
type Timely = Addressed & { readonly __timely: unique symbol };
interface Known {
  readonly claim: Timely;
  readonly sshsig: Sshsig;
  readonly key: SshKey;
}
type Unseen = Known & { readonly __unseen: unique symbol };

/** The two steps that read and verify what a stranger signed: a port, so that tests can count how often they are reached. */
export interface SignatureSteps {
  readonly decode: typeof decodeSshsig;
  readonly faultOf: typeof faultOfSignature;
}

const STEPS: SignatureSteps = { decode: decodeSshsig, faultOf: faultOfSignature };

/**
 * `ssh`: the last knock is signed with the user's SSH key (docs/protocol.md). The cheapest checks come first; the
 * signature is looked into only when everything else fits. Changes nothing: the gate must still use the stamp up.
 */
export function proveSsh(payload: Buffer, against: Against, steps = STEPS): Checked<SignedKnock, SshDenial> {
  const addressed = andThen(parseDatagram(payload), (datagram) => checkAddressee(datagram, against));
  const timely = andThen(addressed, (claim) => checkTime(claim, against.now));
  const known = andThen(timely, (claim) => findKey(claim, against.keys, steps));
  const unseen = andThen(known, (one) => checkUnseen(one, against.replay));
  return andThen(unseen, (one) => authenticate(one, steps));
}

/** What nobody signed: verifying it takes what verifying a knock takes. */
const UNSIGNED = { hash: "sha512", message: Buffer.alloc(128), signature: Buffer.alloc(64) } as const;

/** Goes the way of a signature with one of the user's keys. Nothing that came from outside is looked at. */
export function rehearseSsh(keys: readonly SshKey[]): void {
  const [key] = keys;
  const [algorithm] = Object.keys(key?.publicKey.type.algorithms ?? {});
  if (key === undefined || algorithm === undefined) return;
  const signature = { algorithm, raw: UNSIGNED.signature, touch: null };
  const sshsig = { publicKey: key.publicKey, keyBlob: key.blob, hash: UNSIGNED.hash, signature };
  faultOfSignature(sshsig, key, UNSIGNED.message);
}

function checkAddressee(datagram: Datagram, { server, user }: Against): Checked<Addressed, SshDenial> {
  if (datagram.server !== server) return refuse("ssh_other_server");
  return datagram.user === user ? accept(datagram as Addressed) : refuse("ssh_other_user");
}

function checkTime(claim: Addressed, now: number): Checked<Timely, SshDenial> {
  const off = claim.time - Math.floor(now / 1000);
  if (Math.abs(off) <= TOLERANCE) return accept(claim as Timely);
  const size = formatDuration(seconds(Math.abs(off)));
  return refuse(
    "ssh_clock",
    off > 0 ? `its clock is ${size} ahead` : `its clock is ${size} behind, or it is old`,
  );
}

function findKey(
  claim: Timely,
  keys: readonly SshKey[],
  { decode }: SignatureSteps,
): Checked<Known, SshDenial> {
  return andThen(decode(claim.sshsig), (sshsig) => {
    const key = keys.find(({ blob }) => blob.equals(sshsig.keyBlob));
    return key === undefined ? refuse("ssh_key_unknown") : accept({ claim, sshsig, key });
  });
}

function checkUnseen(known: Known, replay: Replay): Checked<Unseen, SshDenial> {
  const fault = faultOfStamp(replay, known.claim);
  return fault === undefined ? accept(known as Unseen) : refuse(fault);
}

function authenticate(
  { claim, sshsig, key }: Unseen,
  { faultOf }: SignatureSteps,
): Checked<SignedKnock, SshDenial> {
  const fault = faultOf(sshsig, key, claim.message);
  if (fault !== undefined) return refuse(fault);
  const { user, time, nonce, address, length, code } = claim;
  return accept({ user, time, nonce, address, length, code, key: key.fingerprint } as SignedKnock);
}
