import type { Endpoint, EndpointTable } from './endpoint-table.ts';
import { inWords, type Packet, type Whom } from './packet.ts';

/** How long after a container left a network its packets may still be on their way. */
const UNDER_WAY_MS = 2_000;

/** Says of each packet that arrives whether it may have come here. */
export class Judge {
  readonly #table: EndpointTable;
  readonly #left = new Map<string, number>();
  readonly #wrong: (words: string, about: readonly string[]) => void;

  constructor(table: EndpointTable, wrong: (words: string, about: readonly string[]) => void) {
    this.#table = table;
    this.#wrong = wrong;
  }

  left({ container, network }: Whom): void {
    this.#left.set(`${container} ${network}`, performance.now());
  }

  /** A packet of a probe came to `here`. */
  arrived(here: Endpoint, packet: Packet & { readonly from: Whom; readonly to: Whom }, source: string): void {
    const { from, to } = packet;
    const about = [here.container, from.container, to.container, here.address];
    const tell = (what: string) => this.#wrong(`${what}: from ${inWords(from)}, for ${inWords(to)}, came to ${inWords(here)}`, about);
    if (to.address !== here.address) tell('a packet for another address');
    if (from.network !== here.network && !this.#isOn(from.container, here.network)) tell('a packet of another network');
    if (from.network === here.network && source !== from.address) tell(`a packet with the source ${source}`);
    if (from.network === here.network && to.network === here.network && to.container !== here.container)
      this.#meantForAnother(here, to, tell);
  }

  knocked(here: Endpoint, { meant, way, sentMs }: Packet & { readonly kind: 'knock' }, may: readonly string[]): void {
    if (meant.includes(here.container) || may.includes(here.container)) return;
    const ago = Math.round(performance.now() - sentMs);
    const about = [here.container, here.address, ...meant, ...may];
    this.#wrong(`a knock ${way}, published by ${words(may)}, led to ${inWords(here)} after ${ago} ms`, about);
  }

  /** The address may have changed hands after the packet was sent; with its first owner still there it has not. */
  #meantForAnother(here: Endpoint, to: Whom, tell: (what: string) => void): void {
    const meant = this.#table.all().find(({ container, network, address }) => {
      return container === to.container && network === to.network && address === to.address;
    });
    if (meant !== undefined && this.#table.isThere(meant) && this.#table.isThere(here)) tell('a packet for another container');
  }

  #isOn(container: string, network: string): boolean {
    if (this.#table.all().some((each) => each.container === container && each.network === network)) return true;
    const leftMs = this.#left.get(`${container} ${network}`);
    return leftMs !== undefined && performance.now() - leftMs < UNDER_WAY_MS;
  }
}

const words = (ids: readonly string[]): string => (ids.length === 0 ? 'nobody' : ids.map((id) => id.slice(0, 12)).join(' or '));
