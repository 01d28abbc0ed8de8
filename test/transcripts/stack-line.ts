import type { Affinity, Constraint, Group, GroupPolicy, HostPort, Request, RequestId, Stack } from '../../src/core/model/index.ts';

/**
 * A stack as a transcript writes it: parts, each with its size and what it wants.
 *
 *   web 500m/256M in pod, db 1000m/512M in pod, log 100m/64M near web, bak 100m/64M far from db on c, dns 100m/64M publishing 53/udp
 *
 * @param groups `pod=co-location web=spread`
 */
export function stackOf(
  id: RequestId,
  groups: string,
  text: string,
  request: (name: string, size: string, constraints: readonly Constraint[]) => Request,
): Stack {
  const parts = text.split(', ').map((part) => {
    const [, name = '', size = '', wants = ''] = /^(\S+) (\S+)(.*)$/.exec(part) ?? [];
    const group = /\bin (\S+)/.exec(wants)?.[1];
    const node = /\bon (\S+)/.exec(wants)?.[1];
    const constraints: Constraint[] = node === undefined ? [] : [{ key: 'node', operator: '==', value: node, soft: false }];
    return { request: { ...request(name, size, constraints), affinities: affinitiesOf(wants), hostPorts: portsOf(wants) }, group };
  });
  return { id, groups: groups.split(' ').map(groupOf), parts };
}

/** `near web`, `far from db`; `gladly near web` is a wish. */
export function affinitiesOf(wants: string): readonly Affinity[] {
  return Array.from(wants.matchAll(/(gladly )?(near|far from) (\S+)/g), ([, soft, where, value = '']) => ({
    subject: 'container',
    key: '',
    operator: where === 'near' ? '==' : '!=',
    value,
    soft: soft !== undefined,
  }));
}

/** `publishing 80,53/udp`: of the host's ports, on all of its addresses. */
export function portsOf(wants: string): readonly HostPort[] {
  const [, ports = ''] = /\bpublishing (\d\S*)/.exec(wants) ?? [];
  return ports === ''
    ? []
    : ports.split(',').map((text) => ({ protocol: text.endsWith('/udp') ? 'udp' : 'tcp', ip: 0, port: Number.parseInt(text, 10) }));
}

function groupOf(text: string): Group {
  const [name = '', policy = ''] = text.split('=');
  return { name, policy: policy as GroupPolicy };
}
