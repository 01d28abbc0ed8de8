import { durationText } from '../../lib/duration-text.ts';
import { type ContainerSummary, NODE_LABEL } from '../../docker-api/types.ts';
import { decimalSize, timestamp } from '../format/human.ts';
import type { View } from '../format/list.ts';
import { portsText } from './port-text.ts';

const COMMAND_CHARACTERS = 20;
const MOUNT_CHARACTERS = 15;

/** Docker's columns of `ps`, with the node a container is on. */
export function containerView(options: {
  readonly trunc: boolean;
  readonly size: boolean;
  readonly nowMs: number;
}): View<ContainerSummary> {
  return {
    columns: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Node', 'Names', ...(options.size ? ['Size'] : [])],
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
      Image: options.trunc ? row.Image.replace(/^sha256:([0-9a-f]{12})[0-9a-f]*$/, '$1') : row.Image,
      Command: JSON.stringify(options.trunc ? ellipsis(row.Command, COMMAND_CHARACTERS) : row.Command),
      CreatedAt: timestamp(row.Created * 1_000),
      RunningFor: `${durationText(options.nowMs - row.Created * 1_000)} ago`,
      Ports: portsText(row.Ports),
      State: row.State,
      Status: row.Status,
      Size: sizeText(row),
      Labels: Object.entries(row.Labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: unknown) => row.Labels[String(key)] ?? '',
      LocalVolumes: String(row.Mounts.filter(({ Type }) => Type === 'volume').length),
      Mounts: row.Mounts.map(({ Name, Source }) => (options.trunc ? ellipsis(Name ?? Source, MOUNT_CHARACTERS) : (Name ?? Source))).join(
        ',',
      ),
      Networks: Object.keys(row.NetworkSettings.Networks).join(','),
      Node: row.Labels[NODE_LABEL] ?? '',
    }),
  };
}

function ellipsis(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** What it wrote itself, and that together with its image. */
function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  return `${decimalSize(SizeRw)}${SizeRootFs > 0 ? ` (virtual ${decimalSize(SizeRootFs)})` : ''}`;
}
