import { describe, expect, it } from 'vitest';
import type { AgreementMember } from '../../api/agreement-service.ts';
import type { Member, NodeId } from '../../core/model/index.ts';
import { agreementSeen, peersOf } from './network-doctor.ts';

describe('agreementSeen', () => {
  const member = (name: string, isReachable: boolean): AgreementMember => ({
    node: name as NodeId,
    name,
    role: 'follower',
    isReachable,
    term: 1,
    index: 1,
    bytes: 0,
  });
  const status = { version: { epoch: 1, revision: 1 }, wanted: 3, isCandidate: true };

  it('says who answers, and what stands in the way', () => {
    const members = [member('a', true), member('b', true), member('c', false)];
    expect(agreementSeen({ ...status, hasQuorum: true, members, troubles: [] })).toEqual({
      quorum: true,
      words: '2 of 3 members answer (not c)',
    });
    expect(agreementSeen({ ...status, hasQuorum: false, members: members.slice(2), troubles: ['etcd is not installed.'] })).toEqual({
      quorum: false,
      words: '0 of 1 members answer (not c); etcd is not installed.',
    });
  });
});

describe('peersOf', () => {
  it('are the others that are alive, have a number, and were not shut out', () => {
    const member = (id: string, state = 'alive', number = 1) => ({ id, state, number }) as Member;
    const all = [member('self'), member('here'), member('gone', 'dead'), member('new', 'alive', 0), member('out')];
    const node = { self: () => member('self'), members: () => all };
    expect(peersOf(node, ['out' as NodeId]).map(({ id }) => id)).toEqual(['here']);
  });
});
