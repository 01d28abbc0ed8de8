import { applyRuleset } from '../../../linux/nft.ts';
import { joinFields, NFT_FAMILY, type NftElement, type NftSet } from '../../../linux/nftables/elements.ts';
import type { ElementsChange, NftSocket } from '../../../linux/nftables/nft-socket.ts';
import type { Names } from '../names.ts';
import { dropTables, ruleset, type RuleOptions } from './rules.ts';
import {
  bytesOf,
  type Element,
  elementKey,
  type Elements,
  type FirewallWish,
  sameElement,
  SET_NAMES,
  type SetName,
  SETS,
  type SetShape,
} from './sets.ts';

/**
 * Our nftables tables: rules by nft(8), once; elements by nfnetlink, on the event loop, as an endpoint's costs a
 * tenth of a millisecond there and a child of ten elsewhere, which each start of a container would wait for.
 */
export class Firewall {
  readonly #names: Names;
  readonly #nft: NftSocket;
  /** What the kernel has, as far as we know. undefined: the tables must be loaded. */
  #loaded: { readonly options: string; readonly fingerprint: string; readonly elements: Record<SetName, Map<string, Element>> } | undefined;
  /** While nft(8) replaces the tables. */
  #isLoading = false;

  constructor(names: Names, nft: NftSocket) {
    this.#names = names;
    this.#nft = nft;
  }

  /** News of our tables are our own doing: by elements, or by the child that loads them. */
  isOwnChange(port: number): boolean {
    return port === this.#nft.port || this.#isLoading;
  }

  /** Makes the kernel have what is wanted. Resolves to whether the tables were loaded anew. @throws NftError, SystemError */
  async apply(wish: FirewallWish, options: RuleOptions): Promise<boolean> {
    if (this.#loaded?.options === JSON.stringify(options)) {
      try {
        this.#update(wish, this.#loaded.elements);
        return false;
      } catch {
        // Somebody else's hand was in it: all anew.
      }
    }
    await this.#load(wish, options);
    return true;
  }

  /** Whether the kernel has what we know it to have. Where it hasn't, the next `apply` loads all. @throws SystemError */
  verify(): boolean {
    const loaded = this.#loaded;
    if (loaded === undefined || this.#isLoading) return true;
    if (this.#fingerprint() === loaded.fingerprint && SET_NAMES.every((name) => this.#isAsKnown(name, loaded.elements[name]))) return true;
    this.#loaded = undefined;
    return false;
  }

  /** Some elements more, at once. @throws Error where the tables aren't there: the next `apply` loads them */
  add(more: SomeElements): void {
    const loaded = this.#loaded;
    if (loaded === undefined) throw new Error('this host’s firewall rules are not loaded');
    this.#change(entriesOf(more).map(([name, elements]) => this.#elementsChange(name, [], elements)));
    for (const [name, elements] of entriesOf(more)) for (const element of elements) loaded.elements[name].set(elementKey(element), element);
  }

  /** Some less, of which some may not be there. Where somebody has taken the tables away, the next `apply` loads all. */
  remove(less: SomeElements): void {
    const loaded = this.#loaded;
    if (loaded === undefined) return;
    const known = entriesOf(less).map(
      ([name, elements]) => [name, elements.filter((each) => loaded.elements[name].has(elementKey(each)))] as const,
    );
    try {
      this.#change(known.map(([name, elements]) => this.#elementsChange(name, elements, [])));
    } catch {
      return;
    }
    for (const [name, elements] of known) for (const element of elements) loaded.elements[name].delete(elementKey(element));
  }

  /** @throws NftError */
  async removeAll(): Promise<void> {
    this.#loaded = undefined;
    await applyRuleset(dropTables(this.#names));
  }

  /** What the kernel refuses tells that the tables are not what they were. @throws SystemError */
  #change(changes: readonly ElementsChange[]): void {
    try {
      this.#nft.change(changes);
    } catch (error) {
      this.#loaded = undefined;
      throw error;
    }
  }

  #update(wish: FirewallWish, known: Record<SetName, Map<string, Element>>): void {
    const changes = SET_NAMES.map((name) => ({ name, ...changeOf(wish[name], known[name]) })).filter(
      ({ remove, add }) => remove.length > 0 || add.length > 0,
    );
    this.#nft.change(changes.map(({ name, remove, add }) => this.#elementsChange(name, remove, add)));
    for (const { name } of changes) known[name] = new Map(wish[name]);
  }

  async #load(wish: FirewallWish, options: RuleOptions): Promise<void> {
    this.#loaded = undefined;
    this.#isLoading = true;
    // What the text says. Elements that come while nft works are added after it.
    const elements = Object.fromEntries(SET_NAMES.map((name) => [name, new Map(wish[name])])) as Record<SetName, Map<string, Element>>;
    try {
      await applyRuleset(ruleset(this.#names, options, wish));
    } finally {
      this.#isLoading = false;
    }
    this.#loaded = { options: JSON.stringify(options), fingerprint: this.#fingerprint(), elements };
    this.#update(wish, elements);
  }

  #elementsChange(name: SetName, remove: readonly Element[], add: readonly Element[]): ElementsChange {
    const shape = SETS[name];
    return {
      set: this.#set(name),
      remove: remove.map((element) => encode(shape, element)),
      add: add.map((element) => encode(shape, element)),
    };
  }

  #isAsKnown(name: SetName, known: Elements): boolean {
    const shape = SETS[name];
    const wanted = new Set([...known.values()].map((element) => fingerprintOf(encode(shape, element))));
    const found = this.#nft.elements(this.#set(name));
    return found?.length === wanted.size && found.every(({ key, data }) => wanted.has(`${key.toString('hex')} ${data.toString('hex')}`));
  }

  #fingerprint(): string {
    return [NFT_FAMILY.ip, NFT_FAMILY.bridge].map((family) => this.#nft.fingerprint(family, this.#names.table)).join(' ');
  }

  #set(name: SetName): NftSet {
    return { family: NFT_FAMILY[SETS[name].family], table: this.#names.table, set: name };
  }
}

type SomeElements = Partial<Record<SetName, readonly Element[]>>;

const entriesOf = (elements: SomeElements): [SetName, readonly Element[]][] => Object.entries(elements) as [SetName, readonly Element[]][];

/** A map's element that changes goes and comes in one transaction. */
function changeOf(wish: Elements, known: Elements): { remove: Element[]; add: Element[] } {
  const isIn = (elements: Elements, element: Element): boolean => {
    const other = elements.get(elementKey(element));
    return other !== undefined && sameElement(other, element);
  };
  return {
    remove: [...known.values()].filter((element) => !isIn(wish, element)),
    add: [...wish.values()].filter((element) => !isIn(known, element)),
  };
}

const encode = ({ key, data }: SetShape, element: Element): NftElement => ({
  key: key.map((kind, index) => bytesOf(kind, element.key[index] ?? '')),
  data: (data ?? []).map((kind, index) => bytesOf(kind, element.data[index] ?? '')),
});

const fingerprintOf = ({ key, data }: NftElement): string => `${joinFields(key).toString('hex')} ${joinFields(data).toString('hex')}`;
