import type { TokenRecord, Tokens } from '../../api/backend.ts';
import type { TokenBook, TokenRecord as KeptToken } from '../../transport/trust/token-book.ts';

/** Join tokens, as the API asks for them: any node makes, shows and removes them. */
export function createTokens(book: TokenBook, caCertificatePem: string): Tokens {
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
