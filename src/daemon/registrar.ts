import { LIMITS, type NodeId } from '../core/model/index.ts';

/** Who got which name and number: the creator's book, until these are agreed. */
export interface RegistrarBook {
  readonly nextNumber: number;
  readonly nodes: Readonly<Record<NodeId, { readonly name: string; readonly number: number }>>;
}

const FIRST: RegistrarBook = { nextNumber: 1, nodes: {} };

/**
 * Gives each node its name and number, once: who asks again under the same id gets the same answer,
 * so a join can be repeated. A taken name gets `-2`, `-3` …
 */
export class Registrar {
  readonly #load: () => RegistrarBook | undefined;
  readonly #save: (book: RegistrarBook) => void;

  constructor(load: () => RegistrarBook | undefined, save: (book: RegistrarBook) => void) {
    this.#load = load;
    this.#save = save;
  }

  assign(id: NodeId, wanted: string): { readonly name: string; readonly number: number } {
    const book = this.#load() ?? FIRST;
    const known = book.nodes[id];
    if (known !== undefined) return known;
    // An open instance lets in whoever asks: the book must not grow for ever.
    if (Object.keys(book.nodes).length >= LIMITS.members) {
      throw new Error(`${LIMITS.members} nodes are in the instance's book already, the most there may be`);
    }
    const taken = new Set(Object.values(book.nodes).map((node) => node.name));
    const given = { name: freeName(wanted, taken), number: book.nextNumber };
    this.#save({ nextNumber: book.nextNumber + 1, nodes: { ...book.nodes, [id]: given } });
    return given;
  }

  /** A node that left gives its name back; its number is never used again. */
  forget(id: NodeId): void {
    const book = this.#load() ?? FIRST;
    const { [id]: _gone, ...rest } = book.nodes;
    this.#save({ nextNumber: book.nextNumber, nodes: rest });
  }
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n++) {
    const suffix = `-${n}`;
    const name = `${wanted.slice(0, NAME_LENGTH - suffix.length).replace(/-+$/, '')}${suffix}`;
    if (!taken.has(name)) return name;
  }
}

/** RFC 1123's label. */
const NAME_LENGTH = 63;
const NODE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 1123's host label: node names appear in DNS, labels and constraints. @throws Error naming the value */
export function checkNodeName(name: string): string {
  if (!NODE_NAME.test(name)) {
    throw new Error(
      `${JSON.stringify(name)} cannot be a node's name: use 1 to 63 of a-z, 0-9 and -, not starting or ending with - (--name NAME)`,
    );
  }
  return name;
}

/** A host name made into a node name: lower case, first label, other signs as -. */
export function nodeNameFrom(hostname: string): string {
  const label = (hostname.split('.')[0] ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return label === '' ? 'node' : label;
}
