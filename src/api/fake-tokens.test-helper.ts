import type { TokenRecord, Tokens } from './backend.ts';

export class FakeTokens implements Tokens {
  readonly #records: TokenRecord[] = [];

  async create(options: { readonly ttlMs: number; readonly singleUse: boolean }) {
    const record = { id: 'a1b2c3d4e5f6', createdAtMs: 1, expiresAtMs: 1 + options.ttlMs, singleUse: options.singleUse, used: false };
    this.#records.push(record);
    return { ...record, token: 'CVL1-secret' };
  }

  async list() {
    return this.#records;
  }

  async remove(id: string) {
    const at = this.#records.findIndex((r) => r.id === id);
    if (at >= 0) this.#records.splice(at, 1);
    return at >= 0;
  }
}
