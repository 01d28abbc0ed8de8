import { MIB } from '../../core/model/index.ts';
import type { Member, NodeId } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';

/** What an ordinary node says of itself: about 110 bytes on the wire. */
export function drawRecord(random: Prng, index: number): Member {
  return {
    id: random.hex(16) as NodeId,
    name: `edge-${index}`,
    number: index + 1,
    incarnation: 1 + random.int(20_000_000),
    address: { ip: `10.${(index >> 16) & 0xff}.${(index >> 8) & 0xff}.${index & 0xff}`, controlPort: 8001, gossipPort: 8000 },
    class: random.chance(0.3) ? 'high' : 'low',
    arch: random.chance(0.7) ? 'arm64' : 'amd64',
    labels: { site: `s${index % 50}`, disk: 'ssd' },
    capacity: { cpuMillicores: 4_000, memoryBytes: 4_096 * MIB },
    underlayMtu: 1_500,
    version: '0.2.0',
    draining: false,
    state: 'alive',
  };
}
