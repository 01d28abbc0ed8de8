import { binarySize, decimalSize } from '../format/human.ts';
import type { View } from '../format/list.ts';
import type { Figures } from '../stats/figures.ts';

/** One container in `stats`; without figures where none came yet, or it does not run. */
export interface StatsRow {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  readonly figures: Figures | undefined;
}

/** Docker's columns of `stats`. @param wide with the node */
export function statsView(options: { readonly trunc: boolean; readonly wide: boolean }): View<StatsRow> {
  return {
    columns: ['ID', 'Name', ...(options.wide ? ['Node'] : []), 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
    titles: {
      ID: 'CONTAINER ID',
      Container: 'CONTAINER',
      Name: 'NAME',
      Node: 'NODE',
      CPUPerc: 'CPU %',
      MemUsage: 'MEM USAGE / LIMIT',
      MemPerc: 'MEM %',
      NetIO: 'NET I/O',
      BlockIO: 'BLOCK I/O',
      PIDs: 'PIDS',
    },
    fields: ({ id, name, node, figures }) => {
      const shown = options.trunc ? id.slice(0, 12) : id;
      return {
        BlockIO: figures === undefined ? '-- / --' : `${decimalSize(figures.read)} / ${decimalSize(figures.written)}`,
        CPUPerc: percent(figures?.cpuPercent),
        Container: shown,
        ID: shown,
        MemPerc: percent(figures?.memoryPercent),
        MemUsage: figures === undefined ? '-- / --' : `${binarySize(figures.memoryUsed)} / ${binarySize(figures.memoryLimit)}`,
        Name: name === '' ? '--' : name,
        NetIO: figures === undefined ? '-- / --' : `${decimalSize(figures.received)} / ${decimalSize(figures.sent)}`,
        Node: node,
        PIDs: figures === undefined ? '--' : String(figures.processes),
      };
    },
  };
}

const percent = (value: number | undefined): string => (value === undefined ? '--' : `${value.toFixed(2)}%`);
