import { Integer, Number as NumberOf, Object as ObjectOf, String as StringOf } from 'typebox';
import type { Member } from '../../core/model/index.ts';
import type { NodeRow } from '../../docker-api/caravela-types.ts';
import type { Backend } from '../backend.ts';
import { rowsOf } from '../http/check.ts';
import { askAll } from '../instance/ask.ts';

/** What only the node itself knows. */
const FIGURES = ObjectOf({
  id: StringOf(),
  cpus: ObjectOf({ capacity: NumberOf(), reserved: NumberOf() }),
  memory: ObjectOf({ capacity: NumberOf(), reserved: NumberOf() }),
  containers: Integer(),
  role: StringOf(),
});

/** This node, with its own figures. */
export function ownRow(backend: Backend): NodeRow {
  const { capacity, held } = backend.resources();
  return {
    ...memberRow(backend, backend.self()),
    cpus: { capacity: capacity.cpuMillicores, reserved: held.cpuMillicores },
    memory: { capacity: capacity.memoryBytes, reserved: held.memoryBytes },
    containers: backend.containers().length,
    role: backend.agreement.role(),
  };
}

/** All members, by name. Figures of those that did not answer: reserved 0, containers −1. */
export async function nodeRows(backend: Backend): Promise<{ readonly rows: NodeRow[]; readonly silent: readonly Member[] }> {
  const asked = await askAll(backend, { path: '/caravela/v1/nodes' });
  const figures = new Map(asked.answers.flatMap((answer) => rowsOf(FIGURES, answer.body).map((row) => [row.id, row] as const)));
  const self = backend.self();
  const rows = backend
    .members()
    .filter((member) => member.id !== self.id)
    .map((member) => {
      const found = figures.get(member.id);
      const row = memberRow(backend, member);
      return found === undefined ? row : { ...row, cpus: found.cpus, memory: found.memory, containers: found.containers, role: found.role };
    });
  rows.push(ownRow(backend));
  rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { rows, silent: [...asked.silent, ...asked.dead] };
}

/** A member as the membership list knows it. */
function memberRow(backend: Backend, member: Member): NodeRow {
  const { ip, controlPort } = member.address;
  return {
    id: member.id,
    name: member.name,
    address: `${ip.includes(':') ? `[${ip}]` : ip}:${controlPort}`,
    state: member.state === 'alive' && member.draining ? 'draining' : member.state,
    class: member.class,
    arch: member.arch,
    labels: { ...member.labels },
    cpus: { capacity: member.capacity.cpuMillicores, reserved: 0 },
    memory: { capacity: member.capacity.memoryBytes, reserved: 0 },
    containers: -1,
    version: member.version,
    role: backend.agreement.members().includes(member.id) ? 'agreement' : 'none',
  };
}
