import { type Container, LIMITS, shortId } from '../../core/model/index.ts';
import type { EndpointWish } from '../../engine/port.ts';
import { ANY_DOTTED } from '../../network/dns/dotted-names.ts';

/** How a container is called on a network: by name, short id and aliases, in lower case as DNS compares (RFC 4343). */
export function endpointNames(container: Container, wish: EndpointWish): readonly string[] {
  const names = [container.name, shortId(container.request.containerId), ...wish.aliases].map((name) => name.toLowerCase());
  const all = [...new Set(names)].slice(0, LIMITS.endpointNames - 1);
  return all.some((name) => name.includes('.')) ? [...all, ANY_DOTTED] : all;
}
