import type { Prng } from '../../../src/lib/prng.ts';
import type { Endpoint, EndpointTable } from './endpoint-table.ts';
import { type Packet, packed, PROBE_PORT, type Whom } from './packet.ts';
import { sendFrom } from './socket-in.ts';

/** Of each kind and turn. */
const PER_TURN = 6;
const REMEMBERED = 300;

/** Sends all the time, from whoever is there to whoever may be reached, and to whoever must not be. */
export class Traffic {
  readonly #table: EndpointTable;
  readonly #random: Prng;
  /** Who had an address before: nobody has it now, or somebody else. */
  readonly #past: Whom[] = [];
  #lastId = 0;
  sent = 0;

  constructor(table: EndpointTable, random: Prng) {
    this.#table = table;
    this.#random = random;
  }

  left({ host, container, network, address }: Whom): void {
    this.#past.push({ host, container, network, address });
    if (this.#past.length > REMEMBERED) this.#past.shift();
  }

  turn(): void {
    const all = this.#table.all();
    for (let i = 0; i < PER_TURN; i++) {
      const from = this.#random.pick(all);
      if (from === undefined) return;
      const others = all.filter((each) => (each.network === from.network) === this.#random.chance(0.75));
      const to = this.#random.pick(others);
      if (to !== undefined) this.tell(from, to);
      const gone = this.#random.pick(this.#past);
      if (gone !== undefined && this.#random.chance(0.3)) this.tell(from, this.#now(gone, all));
    }
  }

  tell(from: Endpoint, to: Whom): void {
    this.sent++;
    sendFrom(from.socket, packed({ kind: 'tell', id: ++this.#lastId, from: bare(from), to: bare(to) }), to.address, PROBE_PORT);
  }

  /** Whoever has the address now, as far as anybody knows. */
  #now(gone: Whom, all: readonly Endpoint[]): Whom {
    const found = all.find(({ network, address }) => network === gone.network && address === gone.address);
    return found ?? { ...gone, container: '' };
  }
}

/** Without what is of this process. */
export const bare = ({ host, container, network, address }: Whom): Whom => ({ host, container, network, address });

export const answerTo = (packet: Packet & { readonly kind: 'ask' }, here: Endpoint): Packet => ({
  kind: 'answer',
  id: packet.id,
  from: bare(here),
  to: packet.from,
});
