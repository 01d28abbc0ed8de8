import type { AgreementMemberRow, AgreementRow } from '../../docker-api/caravela-types.ts';
import { binarySize } from '../format/human.ts';
import type { View } from '../format/list.ts';

/** Agreement members. */
export const AGREEMENT_MEMBERS: View<AgreementMemberRow> = {
  columns: ['Name', 'Role', 'Reachable', 'Term', 'Index', 'Size'],
  titles: { ID: 'ID', Name: 'NAME', Role: 'ROLE', Reachable: 'REACHABLE', Term: 'TERM', Index: 'INDEX', Size: 'SIZE' },
  fields: (row) => ({
    ID: row.node.slice(0, 12),
    Name: row.name,
    Role: row.role,
    Reachable: row.isReachable ? 'yes' : 'no',
    Term: row.isReachable ? String(row.term) : '?',
    Index: row.isReachable ? String(row.index) : '?',
    Size: row.isReachable ? binarySize(row.bytes) : '?',
  }),
  json: (row) => row,
};

/** How agreement does, in a few sentences. */
export function agreementSummary({ hasQuorum, version, members, wanted, isCandidate, troubles }: AgreementRow): string {
  const state = hasQuorum
    ? 'A majority answers: what must be agreed can be.'
    : 'NO MAJORITY ANSWERS: nothing can be agreed; what runs, runs on.';
  const lines = [
    state,
    `${members.length} ${members.length === 1 ? 'member' : 'members'}, ${wanted} should be; this node has epoch ${version.epoch}, revision ${version.revision}${isCandidate ? '' : ', and no etcd'}.`,
    ...troubles.map((trouble) => `- ${trouble}`),
  ];
  return `${lines.join('\n')}\n`;
}
