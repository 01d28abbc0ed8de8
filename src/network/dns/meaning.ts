import { parseIpv4 } from '../../lib/ipv4.ts';
import type { NetworkId } from '../../core/model/index.ts';

interface NamedNetwork {
  readonly id: NetworkId;
  readonly name: string;
}

/** What a question is about. */
export type Meaning =
  /** Somebody on these networks: it is ours to answer, whether there is one or not. */
  | { readonly kind: 'container'; readonly name: string; readonly networks: readonly NetworkId[] }
  | { readonly kind: 'address'; readonly address: number }
  | { readonly kind: 'foreign' };

const REVERSE = '.in-addr.arpa';

/**
 * A name without a dot is a container's, on any network of whoever asks; `web.backend` is one on the network
 * `backend`, where whoever asks is on that. Everything else is the world's, but for addresses the other way round.
 * @param name in lower case, without the last dot
 */
export function meaningOf(name: string, networks: readonly NamedNetwork[]): Meaning {
  if (name === '') return { kind: 'foreign' };
  if (!name.includes('.')) return { kind: 'container', name, networks: networks.map(({ id }) => id) };
  for (const network of networks) {
    const suffix = `.${network.name.toLowerCase()}`;
    if (name.endsWith(suffix) && name.length > suffix.length)
      return { kind: 'container', name: name.slice(0, -suffix.length), networks: [network.id] };
  }
  const address = name.endsWith(REVERSE) ? parseIpv4(name.slice(0, -REVERSE.length).split('.').toReversed().join('.')) : undefined;
  return address === undefined ? { kind: 'foreign' } : { kind: 'address', address };
}
