import type { ContainerId, Endpoint, NameEntry, NodeId } from '../../model/index.ts';
import { LIMITS } from '../../model/index.ts';
import { formatIpv4 } from '../../../lib/ipv4.ts';
import { utf8Length } from '../../../lib/utf8.ts';
import { ringKey } from './keys.ts';
import type { EndpointKey, EndpointLine } from './keys.ts';

/** The endpoints of this node's containers, as the shell told them last: each by its names and by its address. */
export class EndpointBook {
  readonly #lines = new Map<ContainerId, readonly EndpointLine[]>();
  readonly #byKey = new Map<string, Set<ContainerId>>();

  /** All of a container's, in place of those before; what is beyond the bounds can't be asked for and is left out. */
  set(id: ContainerId, endpoints: readonly Endpoint[]): void {
    this.delete(id);
    const lines = endpoints.slice(0, LIMITS.networksPerContainer).flatMap(linesOf);
    if (lines.length === 0) return;
    this.#lines.set(id, lines);
    for (const { key } of lines) {
      const place = ringKey(key);
      this.#byKey.set(place, (this.#byKey.get(place) ?? new Set()).add(id));
    }
  }

  delete(id: ContainerId): void {
    for (const { key } of this.lines(id)) {
      const place = ringKey(key);
      const ids = this.#byKey.get(place);
      ids?.delete(id);
      if (ids?.size === 0) this.#byKey.delete(place);
    }
    this.#lines.delete(id);
  }

  lines(id: ContainerId): readonly EndpointLine[] {
    return this.#lines.get(id) ?? [];
  }

  /** What of this node's stands under a key. */
  under(key: EndpointKey, node: NodeId, nameOf: (id: ContainerId) => string): readonly NameEntry[] {
    const place = ringKey(key);
    return [...(this.#byKey.get(place) ?? [])].flatMap((containerId) =>
      this.lines(containerId)
        .filter((line) => ringKey(line.key) === place)
        .map(({ value }) => ({ containerId, name: nameOf(containerId), node, value })),
    );
  }
}

/** One for each different name, in lower case, and one for the address: what names are asked for by either. */
function linesOf({ network, address, names }: Endpoint): readonly EndpointLine[] {
  const value = formatIpv4(address);
  const words = [...new Set([value, ...names.slice(0, LIMITS.endpointNames).map((name) => name.toLowerCase())])];
  return words.map((name): EndpointLine => ({ key: { kind: 'endpoint', network, name }, value })).filter(({ key }) => fits(key));
}

const fits = ({ network, name }: EndpointKey): boolean => name !== '' && utf8Length(network) + 1 + utf8Length(name) <= LIMITS.nameKeyBytes;
