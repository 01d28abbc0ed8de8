import { text } from 'node:stream/consumers';
import type { TokenRecord, Tokens } from '../api/backend.ts';
import type { NodeId } from '../core/model/index.ts';
import type { PeerRequest, PeerResponse } from '../transport/port.ts';
import type { TokenBook, TokenRecord as KeptToken } from '../transport/trust/token-book.ts';

/** The creator's own book of join tokens. */
export function localTokens(book: TokenBook, caCertificatePem: string): Tokens {
  return {
    async create({ ttlMs, singleUse }) {
      const { token, record } = await book.create(caCertificatePem, ttlMs, singleUse);
      return { ...shown(record), token };
    },
    list: async () => (await book.list()).map(shown),
    remove: (id) => book.remove(id),
  };
}

function shown(record: KeptToken): TokenRecord {
  const { id, createdAtMs, expiresAtMs, singleUse, usedBy } = record;
  return { id, createdAtMs, expiresAtMs, singleUse, used: usedBy !== undefined };
}

const PATH = '/api/caravela/v1/tokens';
const TIMEOUT_MS = 5_000;

/** On every other node: the creator is asked. @throws PeerUnreachable, or Error with the creator's words */
export function forwardedTokens(creator: NodeId, request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>): Tokens {
  const ask = async (method: string, path: string, body?: object): Promise<{ status: number; body: string }> => {
    const response = await request(creator, {
      method,
      path,
      timeoutMs: TIMEOUT_MS,
      headers: { 'caravela-scope': 'node', ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    });
    return { status: response.status, body: await text(response.body) };
  };
  const checked = <T>(answer: { status: number; body: string }): T => {
    const value = JSON.parse(answer.body) as T & { message?: string };
    if (answer.status >= 300) throw new Error(value.message ?? `the creator answered ${answer.status}`);
    return value;
  };
  return {
    create: async ({ ttlMs, singleUse }) => checked(await ask('POST', PATH, { ttlSeconds: ttlMs / 1000, singleUse })),
    list: async () => checked(await ask('GET', PATH)),
    async remove(id) {
      const answer = await ask('DELETE', `${PATH}/${encodeURIComponent(id)}`);
      if (answer.status === 404) return false;
      if (answer.status >= 300) checked(answer);
      return true;
    },
  };
}
