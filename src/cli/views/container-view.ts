import { durationText } from '../../lib/duration-text.ts';
import { type ContainerSummary, NODE_LABEL } from '../../docker-api/types.ts';
import { timestamp } from '../format/human.ts';
import type { View } from '../format/list.ts';
import { portsText } from './port-text.ts';

const COMMAND_CHARACTERS = 20;

/** Docker's columns of `ps`, with the node a container is on. */
export function containerView(options: { readonly trunc: boolean; readonly nowMs: number }): View<ContainerSummary> {
  return {
    columns: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Node', 'Names'],
    titles: {
      ID: 'CONTAINER ID',
      Image: 'IMAGE',
      Command: 'COMMAND',
      RunningFor: 'CREATED',
      CreatedAt: 'CREATED AT',
      Status: 'STATUS',
      State: 'STATE',
      Ports: 'PORTS',
      Node: 'NODE',
      Names: 'NAMES',
      Labels: 'LABELS',
      Mounts: 'MOUNTS',
      Networks: 'NETWORKS',
      LocalVolumes: 'LOCAL VOLUMES',
      Size: 'SIZE',
    },
    fields: (row) => ({
      ID: options.trunc ? row.Id.slice(0, 12) : row.Id,
      Names: row.Names.map((name) => name.replace(/^\//, '')).join(','),
      Image: row.Image,
      Command: JSON.stringify(options.trunc ? ellipsis(row.Command) : row.Command),
      CreatedAt: timestamp(row.Created * 1_000),
      RunningFor: `${durationText(options.nowMs - row.Created * 1_000)} ago`,
      Ports: portsText(row.Ports),
      State: row.State,
      Status: row.Status,
      Size: '0B',
      Labels: Object.entries(row.Labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: unknown) => row.Labels[String(key)] ?? '',
      LocalVolumes: '0',
      Mounts: '',
      Networks: Object.keys(row.NetworkSettings.Networks).join(','),
      Node: row.Labels[NODE_LABEL] ?? '',
    }),
  };
}

function ellipsis(text: string): string {
  return text.length > COMMAND_CHARACTERS ? `${text.slice(0, COMMAND_CHARACTERS - 1)}…` : text;
}
