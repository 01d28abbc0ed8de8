import type { ContainerId } from '../../core/model/index.ts';
import type { ContainerSpec, EndpointWish } from '../../engine/port.ts';
import type { Store } from '../../store/port.ts';

type Book = Readonly<Record<ContainerId, readonly EndpointWish[]>>;

const DOCUMENT = 'connections';

/** The networks each container is to be on: its spec's, until `connect` or `disconnect` changed them. Durable. */
export class Connections {
  readonly #store: Store;
  #book: Book;

  constructor(store: Store) {
    this.#store = store;
    this.#book = (store.document(DOCUMENT) as Book | undefined) ?? {};
  }

  of(id: ContainerId, spec: ContainerSpec): readonly EndpointWish[] {
    if (Object.hasOwn(this.#book, id)) return this.#book[id] ?? [];
    return spec.networkMode === 'networks' ? spec.networks : [];
  }

  set(id: ContainerId, wishes: readonly EndpointWish[]): void {
    this.#write({ ...this.#book, [id]: wishes });
  }

  forget(id: ContainerId): void {
    if (!Object.hasOwn(this.#book, id)) return;
    const { [id]: _gone, ...rest } = this.#book;
    this.#write(rest);
  }

  #write(book: Book): void {
    this.#store.putDocument(DOCUMENT, book);
    this.#book = book;
  }
}
