import { DEFAULT_RESERVATION, MIB } from '../../core/model/index.ts';
import type { Constraint, ContainerId, HostPort, Request, RequestId, Resources } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';

/** A user's wish: mostly small, sometimes too big for any node. */
export function drawRequest(random: Prng, resources: Resources = drawSize(random)): Request {
  const id = random.hex(16) as RequestId;
  return {
    id,
    containerId: random.hex(32) as ContainerId,
    name: `job-${id.slice(0, 6)}`,
    resources,
    class: random.chance(0.1) ? 'high' : 'low',
    arches: random.chance(0.8) ? [] : (random.pick([['amd64'], ['arm64'], ['arm64', 'amd64'], ['riscv64']]) ?? []),
    constraints: random.chance(0.8) ? [] : Array.from({ length: 1 + random.int(2) }, () => drawConstraint(random)),
    affinities: [],
    ...drawHostAccess(new Prng(Number.parseInt(id.slice(0, 8), 16))),
    labels: random.chance(0.5) ? {} : { tier: random.pick(['front', 'back']) ?? 'back' },
    image: random.pick(['busybox', 'nginx:1.27', 'registry.local/app']) ?? 'busybox',
    policy: random.chance(0.3) ? 'spread' : 'binpack',
    restart: { name: random.pick(['no', 'no', 'always', 'unless-stopped', 'on-failure'] as const) ?? 'no', maximumRetries: random.int(3) },
    autoRemove: random.chance(0.05),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 1_000,
    spec: JSON.stringify({ name: `job-${id.slice(0, 6)}`, image: { reference: 'docker.io/library/busybox:latest', digest: '' } }),
  };
}

/** A few ports and networks, so that they meet; from a generator of its own, which moves no other draw. */
function drawHostAccess(random: Prng): Pick<Request, 'hostPorts' | 'vnis'> {
  const first = random.int(4);
  const hostPorts = Array.from({ length: random.chance(0.85) ? 0 : 1 + random.int(2) }, (_, i) => ({
    ...drawPort(random),
    port: 8_000 + ((first + i) % 4),
  }));
  return { hostPorts, vnis: random.chance(0.85) ? [] : [1 + random.int(4)] };
}

export function drawPort(random: Prng): HostPort {
  return {
    protocol: random.chance(0.8) ? 'tcp' : 'udp',
    ip: random.chance(0.7) ? 0 : 0x7f00_0001 + random.int(2),
    port: 8_000 + random.int(4),
  };
}

/** By label, class, architecture and name, with globs, some of which nobody meets. */
function drawConstraint(random: Prng): Constraint {
  const [key, value] = random.pick([
    ['rack', '1'],
    ['rack', '*'],
    ['disk', 'ssd'],
    ['disk', '*d*'],
    ['disk', 'n*e'],
    ['site', 'north'],
    ['node', `node-${random.int(8)}`],
    ['node', 'node-1*'],
    ['arch', 'a*64'],
    ['class', 'high'],
  ]) ?? ['rack', '0'];
  const operator = random.chance(0.5) ? '==' : '!=';
  return { key: key ?? '', operator, value: value ?? '', soft: random.chance(0.2) };
}

function drawSize(random: Prng): Resources {
  if (random.chance(0.2)) return DEFAULT_RESERVATION;
  if (random.chance(0.02)) return { cpuMillicores: 64_000, memoryBytes: 256 * 1024 * MIB };
  const octave = 2 ** random.int(5);
  return { cpuMillicores: 50 * octave * (1 + random.int(3)), memoryBytes: 32 * octave * (1 + random.int(3)) * MIB };
}
