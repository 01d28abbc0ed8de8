import type { MemberRecord, NodeId } from '../../core/model/index.ts';
import type { NodeShape } from '../workloads/contender.ts';

/** What a node of a market says of itself. */
export function marketRecord(id: NodeId, index: number, { class: cpuClass, capacity }: NodeShape): Omit<MemberRecord, 'incarnation'> {
  return {
    id,
    name: `node-${index}`,
    number: index + 1,
    address: { ip: '10.0.0.1', controlPort: 8001, gossipPort: 8000 },
    class: cpuClass,
    arch: 'amd64',
    labels: {},
    capacity,
    underlayMtu: 1_500,
    version: 'simulated',
    draining: false,
  };
}
