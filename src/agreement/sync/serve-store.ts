import type { AgreedVersion, NodeId } from '../../core/model/index.ts';
import { AgreementUnavailable, type ReplicatedStore } from '../port.ts';
import type { Copy } from '../state/copy.ts';
import { forwardPrefix } from '../state/keys.ts';
import { checkStoreRequest, type StoreAnswer, type StoreRequest } from './messages.ts';
import { pack, unpack } from './pack.ts';
import type { Asked } from './port.ts';

/** For the copy to follow, so that the answer can bring along what the asker lacks. */
const FOLLOW_MS = 500;
/** A transaction's values have half a megabyte at most. */
const REQUEST_BYTES = 4 * 1024 * 1024;

export interface StoreServer {
  /** Undefined: this node is no member. */
  store(): ReplicatedStore | undefined;
  readonly copy: Copy;
  /** Resolves to whether the copy is there in time. */
  waitUntil(version: AgreedVersion, ms: number): Promise<boolean>;
}

/** A member answers for a node that is none. Never rejects. */
export async function serveStore(from: NodeId, body: Buffer, server: StoreServer): Promise<Asked> {
  const store = server.store();
  if (store === undefined) return { status: 503, body: Buffer.from('this node is no agreement member') };
  let request: StoreRequest;
  try {
    request = checkStoreRequest(await unpack(body, REQUEST_BYTES), forwardPrefix(from));
  } catch (error) {
    return { status: 400, body: Buffer.from((error as Error).message) };
  }
  if (request.kind === 'transact' && request.have.epoch > server.copy.version.epoch) {
    return { status: 503, body: Buffer.from('agreement was rebuilt, and this node has not heard of it yet') };
  }
  return { status: 200, body: await pack(await perform(store, request, server)) };
}

async function perform(store: ReplicatedStore, request: StoreRequest, server: StoreServer): Promise<StoreAnswer> {
  try {
    if (request.kind === 'get') {
      const { value, version } = await store.get(request.key);
      return { kind: 'get', entry: value, version };
    }
    if (request.kind === 'range') {
      const { value, version } = await store.range(request.prefix);
      return { kind: 'range', entries: value, version };
    }
    const outcome = await store.transact(request.transaction);
    const follows = outcome.committed && (await server.waitUntil(outcome.version, FOLLOW_MS));
    return { kind: 'transact', outcome, update: follows ? server.copy.difference(request.have) : undefined };
  } catch (error) {
    const changed = error instanceof AgreementUnavailable ? error.changed : 'unknown';
    return { kind: 'unavailable', message: (error as Error).message, changed };
  }
}
