import type { NodeRow } from '../../docker-api/caravela-types.ts';
import { binarySize, cpus } from '../format/human.ts';
import type { View } from '../format/list.ts';

/** It did not answer: what it holds is not known, and not nothing. */
const isSilent = (row: NodeRow): boolean => row.containers < 0;

/** Nodes with what is reserved on each, of what it offers. `--format json` prints the API's own rows. */
export function nodeView(options: { readonly trunc: boolean }): View<NodeRow> {
  return {
    columns: ['Name', 'Address', 'State', 'Role', 'Class', 'Arch', 'CPUs', 'Memory', 'Containers', 'Version'],
    titles: {
      ID: 'ID',
      Name: 'NAME',
      Address: 'ADDRESS',
      State: 'STATE',
      Role: 'ROLE',
      Class: 'CLASS',
      Arch: 'ARCH',
      CPUs: 'CPUS',
      Memory: 'MEMORY',
      Containers: 'CONTAINERS',
      Version: 'VERSION',
      Labels: 'LABELS',
    },
    fields: (row) => ({
      ID: options.trunc ? row.id.slice(0, 12) : row.id,
      Name: row.name,
      Address: row.address,
      State: row.state,
      // In the agreement.
      Role: row.role === 'none' ? '-' : row.role,
      Class: row.class,
      Arch: row.arch,
      CPUs: `${isSilent(row) ? '?' : cpus(row.cpus.reserved)} / ${cpus(row.cpus.capacity)}`,
      Memory: `${isSilent(row) ? '?' : binarySize(row.memory.reserved)} / ${binarySize(row.memory.capacity)}`,
      Containers: isSilent(row) ? '?' : String(row.containers),
      Version: row.version,
      Labels: Object.entries(row.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: unknown) => row.labels[String(key)] ?? '',
    }),
    json: (row) => row,
  };
}
