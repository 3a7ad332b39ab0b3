import { type Duration, milliseconds } from "../../duration.ts";
import { commentText } from "../changes.ts";
import type { Change, Element } from "../firewall.ts";
import { CATCH_ALL } from "../keys.ts";
import { TABLE } from "../table.ts";
import { keyBytes, keyText } from "./key-bytes.ts";
import {
  attributesIn,
  attributesOf,
  type Head,
  type Message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  WireError,
  Writer,
} from "./wire.ts";

/** linux/netfilter.h: the family of our table. */
const NFPROTO_INET = 1;
const TABLE_NAME = TABLE.replace(/^inet /, "");

/** linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h. */
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG = {
  newSet: 9,
  getSet: 10,
  newElement: 12,
  getElement: 13,
  deleteElement: 14,
  newGeneration: 15,
  getGeneration: 16,
  newObject: 18,
  getObject: 19,
} as const;
const NFTA_GEN_ID = 1;
const NFTA_OBJECT = { table: 1, name: 2, type: 3, data: 4 } as const;
const NFT_OBJECT_COUNTER = 1;
const NFTA_COUNTER_PACKETS = 2;
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

/** Elements of one message: with the longest comments they take just under 64 KiB. */
const MOST = 300;

/** Bytes to begin with: for the heads of a few messages, and for a change. */
const ROOM = 400;
const ROOM_EACH = 200;

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
 * @param areNew whatever is put is believed not to be there, which takes a third of the messages; where it is there after
 * all, the kernel answers EEXIST, and changes nothing
 * @param sequence the number of its first message
 */
export function changeRequest(
  changes: readonly Change[],
  { late, areNew }: { late: Duration; areNew: boolean },
  sequence: number,
): Request {
  const groups = runs(changes);
  const steps = { put: areNew ? 1 : 3, drop: 2 };
  const last = sequence + groups.reduce((sum, [{ op }]) => sum + steps[op], 0);
  const to = new Writer(ROOM + changes.length * ROOM_EACH);
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
  for (const group of groups) {
    const [{ op }] = group;
    if (op === "drop" || !areNew) to.again(writeElements(to, next(ADD), group), next(DELETE));
    if (op === "put") writeElements(to, next(areNew ? CREATE : ADD), group, late);
  }
  writeEdge(to, NFNL_MSG_BATCH_END, last + 1);
  return { bytes: to.bytes, first: sequence, last };
}

/** Changes that become one message, or three: the kernel takes far longer with a message for each. */
type Run = readonly [Change, ...Change[]];

/** @returns changes in order, together where they do the same to the same set and to no element twice */
function runs(changes: readonly Change[]): Run[] {
  const found: [Change, ...Change[]][] = []; // bounded: by the changes
  const keys = new Set<string>();
  for (const change of changes) {
    const run = found.at(-1);
    const [{ op, set }] = run ?? [change];
    const fits = op === change.op && set === change.set && keys.size < MOST && !keys.has(change.key);
    if (run !== undefined && fits) run.push(change);
    else {
      found.push([change]);
      keys.clear();
    }
    keys.add(change.key);
  }
  return found;
}

/** Asks what a set is. */
export const setRequest = (set: string, sequence: number): Request =>
  question(NFT_MSG.getSet, sequence, (to) => {
    to.text(NFTA_SET.table, TABLE_NAME);
    to.text(NFTA_SET.name, set);
  });

/** Asks for all elements of a set, in as many datagrams as they take. */
export const elementsRequest = (set: string, sequence: number): Request =>
  question(NFT_MSG.getElement, sequence, (to) => writeSet(to, set), NLM_F_DUMP);

/** Asks how many transactions there were. */
export const generationRequest = (sequence: number): Request =>
  question(NFT_MSG.getGeneration, sequence, () => {});

/** Asks what a counter has counted. */
export const counterRequest = (counter: string, sequence: number): Request =>
  question(NFT_MSG.getObject, sequence, (to) => {
    to.text(NFTA_OBJECT.table, TABLE_NAME);
    to.text(NFTA_OBJECT.name, counter);
    to.attribute(NFTA_OBJECT.type, Buffer.from([0, 0, 0, NFT_OBJECT_COUNTER]));
  });

function question(type: number, sequence: number, write: (to: Writer) => void, flags = 0): Request {
  const to = new Writer();
  const head = { type: typeOf(type), flags: NLM_F_REQUEST | flags, sequence, family: NFPROTO_INET };
  const start = to.message(head);
  write(to);
  to.endMessage(start);
  return { bytes: to.bytes, first: sequence, last: sequence };
}

/** @returns how many transactions there were; undefined in another message. @throws WireError */
export const generationIn = (message: Message): number | undefined =>
  numberIn(message, NFT_MSG.newGeneration, NFTA_GEN_ID);

/** @returns how many packets; undefined in another message. @throws WireError */
export function packetsIn(message: Message): number | undefined {
  let packets: number | undefined;
  const { body } = message;
  if (message.type !== typeOf(NFT_MSG.newObject)) return undefined;
  attributesOf(message, (type, start, end) => {
    if (type !== NFTA_OBJECT.data) return;
    attributesIn(body, start, end, (inner, from, to) => {
      if (inner === NFTA_COUNTER_PACKETS) packets = number(body, from, to, 8);
    });
  });
  return packets;
}

/** @returns the set's key type, as nft made a note of it; undefined in another message. @throws WireError */
export const keyTypeIn = (message: Message): number | undefined =>
  numberIn(message, NFT_MSG.newSet, NFTA_SET.keyType);

/** @returns the elements in one message of a set's listing; none in other messages. @throws WireError */
export function elementsIn(message: Message, set: string, keyType: number): Element[] {
  const elements: Element[] = []; // bounded: by the message
  const { body } = message;
  if (message.type !== typeOf(NFT_MSG.newElement)) return elements;
  attributesOf(message, (type, start, end) => {
    if (type !== NFTA_SET_ELEM_LIST.elements) return;
    attributesIn(body, start, end, (_type, from, to) =>
      elements.push(elementIn(body, from, to, set, keyType)),
    );
  });
  return elements;
}

/** @returns a number of 4 bytes in a message of this type; undefined where there is none. @throws WireError */
function numberIn(message: Message, messageType: number, attribute: number): number | undefined {
  let found: number | undefined;
  if (message.type !== typeOf(messageType)) return undefined;
  attributesOf(message, (type, start, end) => {
    if (type === attribute) found = number(message.body, start, end, 4);
  });
  return found;
}

/** Kind of a transaction's messages. */
type Verb = Pick<Head, "type" | "flags">;

const typeOf = (type: number): number => (NFNL_SUBSYS_NFTABLES << 8) | type;
const ADD: Verb = { type: typeOf(NFT_MSG.newElement), flags: NLM_F_REQUEST | NLM_F_CREATE };
const CREATE: Verb = { ...ADD, flags: ADD.flags | NLM_F_EXCL };
const DELETE: Verb = { type: typeOf(NFT_MSG.deleteElement), flags: NLM_F_REQUEST };

const writeEdge = (to: Writer, type: number, sequence: number): void =>
  to.endMessage(to.message({ type, flags: NLM_F_REQUEST, sequence, resource: NFNL_SUBSYS_NFTABLES }));

/** Says which set a message is about. */
function writeSet(to: Writer, set: string): void {
  to.text(NFTA_SET_ELEM_LIST.table, TABLE_NAME);
  to.text(NFTA_SET_ELEM_LIST.set, set);
}

/**
 * Writes a message about the elements of a run.
 * @param late absent: their keys alone, without an end
 * @returns where it begins
 */
function writeElements(to: Writer, head: Head, run: Run, late?: Duration): number {
  const message = to.message(head);
  writeSet(to, run[0].set);
  const list = to.begin(NFTA_SET_ELEM_LIST.elements);
  for (const change of run) {
    const element = to.begin(NFTA_LIST_ELEM);
    writeKey(to, change.key);
    if (late !== undefined && change.op === "put") {
      if (Number.isFinite(change.ttl)) to.big(NFTA_SET_ELEM.timeout, timeLeft(change.ttl, late));
      if (change.comment !== undefined) to.text(NFTA_SET_ELEM.userdata, noteOf(change.comment));
    }
    to.end(element);
  }
  to.end(list);
  to.endMessage(message);
  return message;
}

function writeKey(to: Writer, key: string): void {
  if (key === CATCH_ALL) {
    to.attribute(NFTA_SET_ELEM.flags, NFT_SET_ELEM_CATCHALL);
    return;
  }
  const start = to.begin(NFTA_SET_ELEM.key);
  to.attribute(NFTA_DATA_VALUE, keyBytes(key));
  to.end(start);
}

/** ms, at least SHORTEST */
const timeLeft = (ttl: Duration, late: Duration): number => Math.max(SHORTEST, Math.floor(ttl - late));

/** A comment as nft notes it: type, length, and the text with its closing zero. */
function noteOf(comment: string): string {
  const text = commentText(comment);
  return String.fromCharCode(UDATA_COMMENT, text.length + 1) + text;
}

function elementIn(bytes: Buffer, from: number, to: number, set: string, keyType: number): Element {
  let key: string = CATCH_ALL;
  let ttl = milliseconds(Number.POSITIVE_INFINITY);
  let comment: string | undefined;
  attributesIn(bytes, from, to, (type, start, end) => {
    if (type === NFTA_SET_ELEM.key) key = keyText(keyType, dataIn(bytes, start, end));
    else if (type === NFTA_SET_ELEM.expiration) ttl = milliseconds(number(bytes, start, end, 8));
    else if (type === NFTA_SET_ELEM.userdata) comment = commentIn(bytes, start, end);
  });
  return comment === undefined ? { set, key, ttl } : { set, key, ttl, comment };
}

function dataIn(bytes: Buffer, from: number, to: number): Buffer {
  let data: Buffer | undefined;
  attributesIn(bytes, from, to, (type, start, end) => {
    if (type === NFTA_DATA_VALUE) data = bytes.subarray(start, end);
  });
  if (data === undefined) throw new WireError("a key without a value");
  return data;
}

function commentIn(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start < 2 || bytes[start] !== UDATA_COMMENT) return undefined;
  return bytes.toString("latin1", start + 2, Math.min(end, start + 1 + (bytes[start + 1] ?? 0)));
}

/** @returns a number in network order of 4 or 8 bytes. @throws WireError */
function number(bytes: Buffer, start: number, end: number, length: 4 | 8): number {
  if (end - start !== length) throw new WireError(`a number of ${end - start} bytes`);
  const low = bytes.readUInt32BE(end - 4);
  return length === 4 ? low : bytes.readUInt32BE(start) * 2 ** 32 + low;
}
