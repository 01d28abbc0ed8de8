import { createHash } from 'node:crypto';
import { checked, libc } from '../libc.ts';
import { decodeAttributes, decodeMessages, encodeMessage, type NetlinkRequest, NLM_F_ACK, textAttribute, textIn } from '../netlink.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink-socket.ts';
import { SystemError } from '../system-error.ts';
import { addElements, decodeElements, deleteElements, listElements, type NftElement, type NftSet, nfgenmsg, nftType } from './elements.ts';

/**
 * nftables by nfnetlink, in the network namespace in which the socket was opened, for what is done often: elements of
 * sets, in tens of microseconds where nft(8) takes ten milliseconds, and whether a table is still what it was. Tables
 * and rules are nft(8)'s.
 */
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETTABLE = 1;
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_GETRULE = 7;
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE and NFTA_RULE_TABLE: the same number in all. */
const NFTA_TABLE = 1;
/** Its flags: whether it sleeps. */
const NFTA_TABLE_FLAGS = 2;
const NFGEN_BYTES = 4;
const NLMSG_ERROR = 2;
const MSG_DONTWAIT = 0x40;
const RECEIVE_BYTES = 65_536;
/** Their list is one attribute, of at most 64 KiB: 100 of the largest are half of it. */
const ELEMENTS_PER_MESSAGE = 100;
/** What surely fits a socket's send buffer. */
const BATCH_BYTES = 100_000;

const sendCall = libc<(fd: number, data: Uint8Array, size: number, flags: number) => number>(
  'long send(int fd, const uint8_t *data, size_t size, int flags)',
);
const recvCall = libc<(fd: number, data: Uint8Array, size: number, flags: number) => number>(
  'long recv(int fd, _Out_ uint8_t *data, size_t size, int flags)',
);

export interface ElementsChange {
  readonly set: NftSet;
  readonly remove: readonly NftElement[];
  readonly add: readonly NftElement[];
}

export class NftSocket {
  readonly #socket: NetlinkSocket;
  readonly #received = Buffer.alloc(RECEIVE_BYTES);

  /** In the calling thread's network namespace. @throws SystemError */
  constructor() {
    this.#socket = new NetlinkSocket(NETLINK_NETFILTER);
  }

  /** The author of its changes, as news of them name it. */
  get port(): number {
    return this.#socket.port;
  }

  /** What goes, then what comes; all of it or nothing, up to about 1,000 elements. @throws SystemError */
  change(changes: readonly ElementsChange[]): void {
    const requests = changes.flatMap(({ set, remove, add }) => [
      ...pieces(remove).map((piece) => deleteElements(set, piece)),
      ...pieces(add).map((piece) => addElements(set, piece)),
    ]);
    let batch: NetlinkRequest[] = [];
    let bytes = 0;
    for (const request of requests) {
      if (bytes + request.body.length > BATCH_BYTES && batch.length > 0) {
        this.#transact(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(request);
      bytes += request.body.length;
    }
    if (batch.length > 0) this.#transact(batch);
  }

  /** undefined: there is no such set. @throws SystemError */
  elements(set: NftSet): { key: Buffer; data: Buffer }[] | undefined {
    try {
      return this.#socket.dump(listElements(set), ({ body }) => decodeElements(body)).flat();
    } catch (error) {
      if (error instanceof SystemError && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The same as long as nobody adds, removes or replaces a chain or a rule of the table, or puts it to sleep. '': it has none. @throws SystemError */
  fingerprint(family: number, table: string): string {
    const hash = createHash('sha256');
    let count = 0;
    for (const [message, what] of [
      [NFT_MSG_GETCHAIN, 'chains'],
      [NFT_MSG_GETRULE, 'rules'],
    ] as const) {
      const body = Buffer.concat([nfgenmsg(family), textAttribute(NFTA_TABLE, table)]);
      const found = this.#socket.dump({ what: `list ${what} of ${table}`, type: nftType(message), flags: 0, body }, (answer) =>
        // Not every kernel filters by table, and what follows the header of a message is the object's alone.
        textIn(decodeAttributes(answer.body, NFGEN_BYTES), NFTA_TABLE) === table
          ? Buffer.from(answer.body.subarray(NFGEN_BYTES))
          : undefined,
      );
      count += found.length;
      for (const bytes of found) hash.update(bytes);
    }
    for (const flags of this.#flagsOf(family, table)) hash.update(flags);
    return count === 0 ? '' : hash.digest('hex');
  }

  /** One, or none where there is no such table. */
  #flagsOf(family: number, table: string): Buffer[] {
    const list = { what: 'list tables', type: nftType(NFT_MSG_GETTABLE), flags: 0, body: nfgenmsg(family) };
    return this.#socket.dump(list, ({ body }) => {
      const attributes = decodeAttributes(body, NFGEN_BYTES);
      return textIn(attributes, NFTA_TABLE) === table ? Buffer.from(attributes.get(NFTA_TABLE_FLAGS) ?? []) : undefined;
    });
  }

  close(): void {
    this.#socket.close();
  }

  /** One transaction. The last change asks for an answer, not the end of the batch: kernels before 6.10 don't give that one. */
  #transact(requests: readonly NetlinkRequest[]): void {
    const mark = (type: number, sequence: number): Buffer =>
      encodeMessage({ what: 'batch', type, flags: 0, body: nfgenmsg(0, NFNL_SUBSYS_NFTABLES) }, 0, sequence);
    const last = requests.length;
    const bytes = Buffer.concat([
      mark(NFNL_MSG_BATCH_BEGIN, 0),
      ...requests.map((request, index) => encodeMessage(request, index + 1 === last ? NLM_F_ACK : 0, index + 1)),
      mark(NFNL_MSG_BATCH_END, last + 1),
    ]);
    checked(sendCall(this.#socket.fd, bytes, bytes.length, 0), 'send', 'netlink');
    const errors = this.#answers(requests, last);
    if (errors !== undefined) throw errors;
  }

  #answers(requests: readonly NetlinkRequest[], last: number): SystemError | undefined {
    let first: SystemError | undefined;
    for (;;) {
      const size = checked(recvCall(this.#socket.fd, this.#received, this.#received.length, MSG_DONTWAIT), 'recv', 'netlink');
      for (const { type, sequence, body } of decodeMessages(this.#received.subarray(0, size))) {
        if (type !== NLMSG_ERROR || body.length < 4) continue;
        const errno = -body.readInt32LE(0);
        if (errno !== 0) first ??= new SystemError(requests[sequence - 1]?.what ?? 'nftables batch', errno, []);
        // An error of the batch as a whole carries the number of its begin.
        if (sequence === last || sequence === 0) return first;
      }
    }
  }
}

function pieces(elements: readonly NftElement[]): (readonly NftElement[])[] {
  const count = Math.ceil(elements.length / ELEMENTS_PER_MESSAGE);
  return Array.from({ length: count }, (_, index) => elements.slice(index * ELEMENTS_PER_MESSAGE, (index + 1) * ELEMENTS_PER_MESSAGE));
}
