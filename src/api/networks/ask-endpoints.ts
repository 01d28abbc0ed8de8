import { Integer, Object as ObjectOf, Optional, String as StringOf, Array as ArrayOf } from 'typebox';
import type { Member, NetworkId } from '../../core/model/index.ts';
import type { Backend } from '../backend.ts';
import { rowsOf } from '../http/check.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import type { EndpointFacts } from '../network-service.ts';

const ENDPOINT = ObjectOf({
  container: StringOf(),
  containerName: StringOf(),
  network: StringOf(),
  networkName: StringOf(),
  endpointId: StringOf(),
  address: StringOf(),
  prefix: Integer(),
  gateway: StringOf(),
  mac: StringOf(),
  interfaceName: StringOf(),
  aliases: ArrayOf(StringOf()),
  askedIp: StringOf(),
  links: Optional(ArrayOf(ObjectOf({ container: StringOf(), alias: StringOf() }))),
});

export interface AskedEndpoints {
  readonly endpoints: readonly EndpointFacts[];
  /** Who may have more of them. */
  readonly silent: readonly Member[];
}

/** The containers on a network, or on all: those of this node, in the scope of the instance those of every node. */
export async function askEndpoints(backend: Backend, network: NetworkId | undefined, scope: Scope): Promise<AskedEndpoints> {
  const here = backend.networks.endpoints(network);
  if (scope === 'node') return { endpoints: here, silent: [] };
  const asked = await askAll(backend, { path: `/caravela/v1/endpoints${network === undefined ? '' : `?network=${network}`}` });
  const there = asked.answers.flatMap(({ body }) => rowsOf(ENDPOINT, body) as unknown as EndpointFacts[]);
  const meant = there.filter((endpoint) => network === undefined || endpoint.network === network);
  return { endpoints: [...here, ...meant], silent: [...asked.silent, ...asked.dead] };
}
