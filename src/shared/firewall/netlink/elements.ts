import { type Duration, milliseconds } from "../../duration.ts";
import { commentText } from "../changes.ts";
import type { Change, Element } from "../firewall.ts";
import { CATCH_ALL } from "../keys.ts";
import { keyBytes, keyText } from "./key-bytes.ts";
import {
  attributeList,
  attributesIn,
  attributesOf,
  type Message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  WireError,
  Writer,
} from "./wire.ts";

/** Our table: NFPROTO_INET and its name. */
const NFPROTO_INET = 1;
const TABLE_NAME = "knockline";

/** linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h. */
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG = { newSet: 9, getSet: 10, newElement: 12, getElement: 13, deleteElement: 14 } as const;
const NFTA_LIST_ELEM = 1;
const NFTA_DATA_VALUE = 1;
const NFTA_SET = { table: 1, name: 2, keyType: 4 } as const;
const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
const NFTA_SET_ELEM = { key: 1, flags: 3, timeout: 4, expiration: 5, userdata: 6 } as const;
const NFT_SET_ELEM_CATCHALL = Buffer.from([0, 0, 0, 2]);
/** Type of nft's own note in an element's user data (libnftnl/udata.h). */
const UDATA_COMMENT = 0;

/**
 * The kernel counts in jiffies, and the longest are 10 ms: what is less than one may be taken for 0, which is for ever.
 * So soon it ends by itself anyway.
 */
const SHORTEST = 10;

/** Bytes of a transaction's first and last message, and of a step with a long comment. */
const EDGES = 40;
const STEP = 160;

/** A request, and by which number the kernel's answers to it can be told. */
export interface Request {
  readonly bytes: Buffer;
  /** Number of the message whose acknowledgement, or whose end, comes last. */
  readonly last: number;
}

/**
 * Changes as one transaction. Check them with `changesProblem` first.
 *
 * Adding and deleting first makes a put mean the same whether the element was there or not, on every kernel, and
 * a drop of what is not there no error. The first add has no time-out and is never seen: it ends with its delete.
 * @param late how long the changes waited since they were asked for: every hole closes by so much sooner
 * @param sequence the number of its first message
 */
export function changeRequest(changes: readonly Change[], late: Duration, sequence: number): Request {
  const steps = changes.flatMap((change) => stepsOf(change, late));
  const to = new Writer(EDGES + steps.length * STEP);
  const edge = (type: number, number: number): void =>
    to.message({ type, flags: NLM_F_REQUEST, sequence: number, resource: NFNL_SUBSYS_NFTABLES }, () => {});
  edge(NFNL_MSG_BATCH_BEGIN, sequence);
  const last = sequence + steps.length;
  for (const [at, { verb, set, write }] of steps.entries()) {
    const number = sequence + 1 + at;
    const flags = VERBS[verb].flags | (number === last ? NLM_F_ACK : 0);
    aboutElements(to, { type: VERBS[verb].type, flags, number }, set, () =>
      to.nested(NFTA_SET_ELEM_LIST.elements, () => to.nested(NFTA_LIST_ELEM, () => write(to))),
    );
  }
  edge(NFNL_MSG_BATCH_END, last + 1);
  return { bytes: to.bytes, last };
}

/** Asks what a set is. */
export function setRequest(set: string, sequence: number): Request {
  const to = new Writer();
  to.message({ type: typeOf(NFT_MSG.getSet), flags: NLM_F_REQUEST, sequence, family: NFPROTO_INET }, () => {
    to.text(NFTA_SET.table, TABLE_NAME);
    to.text(NFTA_SET.name, set);
  });
  return { bytes: to.bytes, last: sequence };
}

/** Asks for all elements of a set, in as many datagrams as they take. */
export function elementsRequest(set: string, sequence: number): Request {
  const to = new Writer();
  const head = { type: NFT_MSG.getElement, flags: NLM_F_REQUEST | NLM_F_DUMP, number: sequence };
  aboutElements(to, head, set);
  return { bytes: to.bytes, last: sequence };
}

/** @returns the set's key type, as nft made a note of it; undefined for another message. @throws WireError */
export function keyTypeIn(message: Message): number | undefined {
  if (message.type !== typeOf(NFT_MSG.newSet)) return undefined;
  return required(attributesOf(message), NFTA_SET.keyType).readUInt32BE();
}

/** @returns the elements in one message of a set's listing; none in other messages. @throws WireError */
export function elementsIn(message: Message, set: string, keyType: number): Element[] {
  if (message.type !== typeOf(NFT_MSG.newElement)) return [];
  const list = attributesOf(message).get(NFTA_SET_ELEM_LIST.elements);
  return list === undefined ? [] : attributeList(list).map(([, value]) => elementIn(value, set, keyType));
}

type Verb = keyof typeof VERBS;
const VERBS = {
  add: { type: NFT_MSG.newElement, flags: NLM_F_REQUEST | NLM_F_CREATE },
  delete: { type: NFT_MSG.deleteElement, flags: NLM_F_REQUEST },
} as const;

/** One message of a transaction. */
interface Step {
  readonly verb: Verb;
  readonly set: string;
  readonly write: (to: Writer) => void;
}

const typeOf = (type: number): number => (NFNL_SUBSYS_NFTABLES << 8) | type;

function aboutElements(
  to: Writer,
  { type, flags, number }: { type: number; flags: number; number: number },
  set: string,
  fill: () => void = () => {},
): void {
  to.message({ type: typeOf(type), flags, sequence: number, family: NFPROTO_INET }, () => {
    to.text(NFTA_SET_ELEM_LIST.table, TABLE_NAME);
    to.text(NFTA_SET_ELEM_LIST.set, set);
    fill();
  });
}

function stepsOf(change: Change, late: Duration): Step[] {
  const { set } = change;
  const key = change.key === CATCH_ALL ? undefined : keyBytes(change.key);
  const bare = (to: Writer): void => {
    if (key === undefined) to.attribute(NFTA_SET_ELEM.flags, NFT_SET_ELEM_CATCHALL);
    else to.nested(NFTA_SET_ELEM.key, () => to.attribute(NFTA_DATA_VALUE, key));
  };
  const gone: Step[] = [
    { verb: "add", set, write: bare },
    { verb: "delete", set, write: bare },
  ];
  if (change.op === "drop") return gone;
  const whole = (to: Writer): void => {
    bare(to);
    if (Number.isFinite(change.ttl)) to.attribute(NFTA_SET_ELEM.timeout, timeLeft(change.ttl, late));
    if (change.comment !== undefined) to.attribute(NFTA_SET_ELEM.userdata, noteOf(change.comment));
  };
  return [...gone, { verb: "add", set, write: whole }];
}

/** Milliseconds, 64 bits. */
function timeLeft(ttl: Duration, late: Duration): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.max(SHORTEST, Math.floor(ttl - late))));
  return bytes;
}

/** A comment as nft notes it: type, length, and the text with its closing zero. */
function noteOf(comment: string): Buffer {
  const text = Buffer.from(`${commentText(comment)}\0`);
  return Buffer.concat([Buffer.from([UDATA_COMMENT, text.length]), text]);
}

function elementIn(value: Buffer, set: string, keyType: number): Element {
  const fields = attributesIn(value);
  const data = fields.get(NFTA_SET_ELEM.key);
  const key = data === undefined ? CATCH_ALL : keyText(keyType, dataIn(data));
  const left = fields.get(NFTA_SET_ELEM.expiration);
  const ttl = milliseconds(left === undefined ? Number.POSITIVE_INFINITY : Number(left.readBigUInt64BE()));
  const comment = commentIn(fields.get(NFTA_SET_ELEM.userdata));
  return { set, key, ttl, ...(comment === undefined ? {} : { comment }) };
}

const dataIn = (nest: Buffer): Buffer => required(attributesIn(nest), NFTA_DATA_VALUE);

function commentIn(userdata: Buffer | undefined): string | undefined {
  if (userdata === undefined || userdata[0] !== UDATA_COMMENT) return undefined;
  return userdata.toString("latin1", 2, 1 + (userdata[1] ?? 0));
}

function required(fields: ReadonlyMap<number, Buffer>, type: number): Buffer {
  const value = fields.get(type);
  if (value === undefined) throw new WireError(`attribute ${type} is missing`);
  return value;
}
