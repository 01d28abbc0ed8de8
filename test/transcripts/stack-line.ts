import type { Affinity, Constraint, Group, GroupPolicy, Request, RequestId, Stack } from '../../src/core/model/index.ts';

/**
 * A stack as a transcript writes it: parts, each with its size and what it wants.
 *
 *   web 500m/256M in pod, db 1000m/512M in pod, log 100m/64M near web, bak 100m/64M far from db on c
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
    return { request: { ...request(name, size, constraints), affinities: affinitiesOf(wants) }, group };
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

function groupOf(text: string): Group {
  const [name = '', policy = ''] = text.split('=');
  return { name, policy: policy as GroupPolicy };
}
