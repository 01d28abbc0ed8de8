import type { TokenRecord, TokenStore } from '../transport/trust/token-book.ts';
import type { Store } from '../store/port.ts';
import { DOCUMENTS } from './settings.ts';

/** The creator's tokens, as one document of its store: there are few, and none is on a hot path. */
export class DocumentTokenStore implements TokenStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<readonly TokenRecord[]> {
    return this.#read();
  }

  async put(record: TokenRecord): Promise<void> {
    this.#write([...this.#read().filter((each) => each.id !== record.id), record]);
  }

  async replace(before: TokenRecord, after: TokenRecord): Promise<boolean> {
    const records = this.#read();
    const at = records.findIndex((each) => JSON.stringify(each) === JSON.stringify(before));
    if (at < 0) return false;
    this.#write(records.with(at, after));
    return true;
  }

  async remove(id: string): Promise<boolean> {
    const records = this.#read();
    const rest = records.filter((each) => each.id !== id);
    if (rest.length === records.length) return false;
    this.#write(rest);
    return true;
  }

  #read(): readonly TokenRecord[] {
    return (this.#store.document(DOCUMENTS.tokens) as readonly TokenRecord[] | undefined) ?? [];
  }

  #write(records: readonly TokenRecord[]): void {
    this.#store.putDocument(DOCUMENTS.tokens, records);
  }
}
