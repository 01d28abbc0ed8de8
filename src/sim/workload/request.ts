import { DEFAULT_RESERVATION, MIB } from '../../core/model/index.ts';
import type { ContainerId, Request, RequestId, Resources } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';

/** A user's wish: mostly small, sometimes too big for any node. */
export function drawRequest(random: Prng, resources: Resources = drawSize(random)): Request {
  const id = random.hex(16) as RequestId;
  return {
    id,
    containerId: random.hex(32) as ContainerId,
    name: `job-${id.slice(0, 6)}`,
    resources,
    class: random.chance(0.1) ? 'high' : 'low',
    arches: [],
    constraints: [],
    affinities: [],
    labels: {},
    image: '',
    policy: random.chance(0.3) ? 'spread' : 'binpack',
    restart: { name: random.pick(['no', 'no', 'always', 'unless-stopped', 'on-failure'] as const) ?? 'no', maximumRetries: random.int(3) },
    autoRemove: false,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 1_000,
    spec: JSON.stringify({ name: `job-${id.slice(0, 6)}`, image: { reference: 'docker.io/library/busybox:latest', digest: '' } }),
  };
}

function drawSize(random: Prng): Resources {
  if (random.chance(0.2)) return DEFAULT_RESERVATION;
  if (random.chance(0.02)) return { cpuMillicores: 64_000, memoryBytes: 256 * 1024 * MIB };
  const octave = 2 ** random.int(5);
  return { cpuMillicores: 50 * octave * (1 + random.int(3)), memoryBytes: 32 * octave * (1 + random.int(3)) * MIB };
}
