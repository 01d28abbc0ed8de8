import { type Container, LIMITS, shortId } from '../../core/model/index.ts';
import type { EndpointWish } from '../../engine/port.ts';
import { ANY_DOTTED } from '../../network/dns/dotted-names.ts';
import { isDnsName } from '../../network/dns/is-dns-name.ts';

/**
 * How a container is called on a network: by name, short id, the host name that was asked for and aliases, in lower case
 * as DNS compares (RFC 4343). A name that DNS can't carry is left out; the short id always stands.
 * @param hostname '' for none
 */
export function endpointNames(container: Container, hostname: string, wish: EndpointWish): readonly string[] {
  const own = [container.name, shortId(container.request.containerId), ...(hostname === '' ? [] : [hostname])];
  const names = [...own, ...wish.aliases].map((name) => name.toLowerCase()).filter(isDnsName);
  const all = [...new Set(names)].slice(0, LIMITS.endpointNames - 1);
  return all.some((name) => name.includes('.')) ? [...all, ANY_DOTTED] : all;
}
