import type { NetworkId, NodeId } from '../../core/model/index.ts';
import type { TakeRefusal } from '../../core/leases/port.ts';
import { assertNever } from '../../lib/assert.ts';
import { formatCidr, formatIpv4 } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import { LeaseRefused } from './leases.ts';

export interface RefusedTake {
  readonly self: NodeId;
  readonly networkId: NetworkId;
  /** undefined: this node knows no such network. */
  readonly network: { readonly name: string; readonly subnet: Cidr } | undefined;
  /** As asked; undefined: any. */
  readonly ip: number | undefined;
  readonly nameOf: (node: NodeId) => string;
}

/** A refusal for people: what stands in the way, with figures and names, and what to do. */
export function refusedTake(refusal: TakeRefusal, { self, networkId, network, ip, nameOf }: RefusedTake): LeaseRefused {
  const name = network?.name ?? networkId.slice(0, 12);
  const address = ip === undefined ? 'an address' : formatIpv4(ip);
  switch (refusal.code) {
    case 'exhausted': {
      const { usable, holders, silent } = refusal;
      const unheard = silent.length === 0 ? '' : `; ${some(silent.map(nameOf))} did not answer and may have some unused`;
      const where = network === undefined ? name : `${name} (${formatCidr(network.subnet)})`;
      return new LeaseRefused(
        'exhausted',
        `network ${where} has no address left: its ${usable} are in use on ${holders} ${holders === 1 ? 'node' : 'nodes'}${unheard}; remove containers, or use a network with a larger subnet`,
      );
    }
    case 'in-use': {
      if ('silent' in refusal) {
        return new LeaseRefused(
          'in-use',
          `address ${address} of network ${name} belongs to ${nameOf(refusal.silent)}, which did not hand it over in time: try again, or take another address`,
        );
      }
      const by = refusal.by === undefined ? '' : ` by container ${refusal.by.slice(0, 12)}`;
      const where = refusal.holder === self ? 'this node' : nameOf(refusal.holder);
      return new LeaseRefused('in-use', `address ${address} of network ${name} is in use${by} on ${where}: take another one`);
    }
    case 'out-of-subnet': {
      const subnet = network === undefined ? 'its subnet' : formatCidr(network.subnet);
      const why = refusal.why === 'outside' ? `is not in ${subnet}` : `is the ${refusal.why} address of ${subnet}`;
      return new LeaseRefused('out-of-subnet', `address ${address} ${why}, the subnet of network ${name}: take another one`);
    }
    case 'no-agreement': {
      const why = {
        unavailable: 'no majority of the agreement members answers now (see "caravela agreement status")',
        contended: 'too many nodes are changing its leases at once: try again',
        'too-many': 'as many leases or requests as there may be are there already: try again later',
      }[refusal.why];
      const lack = ip === undefined ? 'it has none free' : 'it is in none of its blocks';
      return new LeaseRefused('no-agreement', `this node can't get ${address} of network ${name}: ${lack}, and ${why}`);
    }
    case 'no-network':
      return new LeaseRefused(
        'no-network',
        `network ${name} does not exist, or this node does not know of it yet: see "caravela network ls"`,
      );
    case 'given-up':
      return new LeaseRefused('no-agreement', `${address} of network ${name} was not wanted any more before it was there`);
    default:
      return assertNever(refusal);
  }
}

const NAMED = 3;

function some(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return rest > 0 ? `${names.slice(0, NAMED).join(', ')} and ${rest} more` : names.join(', ');
}
