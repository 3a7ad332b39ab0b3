import { type Duration, milliseconds } from "../../duration.ts";
import { commentText } from "../changes.ts";
import type { Change, Element } from "../firewall.ts";
import { CATCH_ALL } from "../keys.ts";
import { keyBytes, keyText } from "./key-bytes.ts";
import {
  attributeList,
  attributesIn,
  attributesOf,
  type Head,
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
const STEP = 200;

/** A request, and by which numbers the kernel's answers to it can be told. */
export interface Request {
  readonly bytes: Buffer;
  /** Number of its first message. */
  readonly first: number;
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
  const last = sequence + changes.reduce((sum, { op }) => sum + (op === "put" ? 3 : 2), 0);
  const to = new Writer(EDGES + (last - sequence) * STEP);
  let number = sequence;
  const next = ({ type, flags }: Verb): Head => {
    number += 1;
    return {
      type,
      flags: number === last ? flags | NLM_F_ACK : flags,
      sequence: number,
      family: NFPROTO_INET,
    };
  };
  writeEdge(to, NFNL_MSG_BATCH_BEGIN, sequence);
  for (const change of changes) {
    const key = change.key === CATCH_ALL ? undefined : keyBytes(change.key);
    const bare = beginElement(to, next(ADD), change.set, key);
    endElement(to, bare);
    to.again(bare.message, next(DELETE));
    if (change.op === "drop") continue;
    const whole = beginElement(to, next(ADD), change.set, key);
    if (Number.isFinite(change.ttl)) to.big(NFTA_SET_ELEM.timeout, timeLeft(change.ttl, late));
    if (change.comment !== undefined) to.text(NFTA_SET_ELEM.userdata, noteOf(change.comment));
    endElement(to, whole);
  }
  writeEdge(to, NFNL_MSG_BATCH_END, last + 1);
  return { bytes: to.bytes, first: sequence, last };
}

/** Asks what a set is. */
export function setRequest(set: string, sequence: number): Request {
  const to = new Writer();
  const type = typeOf(NFT_MSG.getSet);
  const start = to.message({ type, flags: NLM_F_REQUEST, sequence, family: NFPROTO_INET });
  to.text(NFTA_SET.table, TABLE_NAME);
  to.text(NFTA_SET.name, set);
  to.endMessage(start);
  return { bytes: to.bytes, first: sequence, last: sequence };
}

/** Asks for all elements of a set, in as many datagrams as they take. */
export function elementsRequest(set: string, sequence: number): Request {
  const to = new Writer();
  const type = typeOf(NFT_MSG.getElement);
  const flags = NLM_F_REQUEST | NLM_F_DUMP;
  to.endMessage(beginAbout(to, { type, flags, sequence, family: NFPROTO_INET }, set));
  return { bytes: to.bytes, first: sequence, last: sequence };
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

/** Kind of a transaction's messages. */
type Verb = Pick<Head, "type" | "flags">;

const typeOf = (type: number): number => (NFNL_SUBSYS_NFTABLES << 8) | type;
const ADD: Verb = { type: typeOf(NFT_MSG.newElement), flags: NLM_F_REQUEST | NLM_F_CREATE };
const DELETE: Verb = { type: typeOf(NFT_MSG.deleteElement), flags: NLM_F_REQUEST };

const writeEdge = (to: Writer, type: number, sequence: number): void =>
  to.endMessage(to.message({ type, flags: NLM_F_REQUEST, sequence, resource: NFNL_SUBSYS_NFTABLES }));

/** Begins a message about a set's elements. */
function beginAbout(to: Writer, head: Head, set: string): number {
  const start = to.message(head);
  to.text(NFTA_SET_ELEM_LIST.table, TABLE_NAME);
  to.text(NFTA_SET_ELEM_LIST.set, set);
  return start;
}

/** What was begun of a message about one element. */
interface Begun {
  readonly message: number;
  readonly list: number;
  readonly element: number;
}

/** Begins a message about one element; more of its attributes may follow. @param key undefined: CATCH_ALL */
function beginElement(to: Writer, head: Head, set: string, key: Buffer | undefined): Begun {
  const message = beginAbout(to, head, set);
  const list = to.begin(NFTA_SET_ELEM_LIST.elements);
  const element = to.begin(NFTA_LIST_ELEM);
  if (key === undefined) {
    to.attribute(NFTA_SET_ELEM.flags, NFT_SET_ELEM_CATCHALL);
  } else {
    const start = to.begin(NFTA_SET_ELEM.key);
    to.attribute(NFTA_DATA_VALUE, key);
    to.end(start);
  }
  return { message, list, element };
}

function endElement(to: Writer, { message, list, element }: Begun): void {
  to.end(element);
  to.end(list);
  to.endMessage(message);
}

/** ms, at least SHORTEST */
const timeLeft = (ttl: Duration, late: Duration): number => Math.max(SHORTEST, Math.floor(ttl - late));

/** A comment as nft notes it: type, length, and the text with its closing zero. */
function noteOf(comment: string): string {
  const text = commentText(comment);
  return String.fromCharCode(UDATA_COMMENT, text.length + 1) + text;
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
