import type { ContainerSummary, DiskUsage, ImageSummary, VolumeRow } from '../../docker-api/types.ts';
import { durationText } from '../../lib/duration-text.ts';
import { decimalSum } from '../format/human.ts';
import type { View } from '../format/list.ts';
import { table } from '../format/table.ts';
import { imageRows } from './image-view.ts';

/** One kind of thing in `system df`. Bytes. */
export interface UsageRow {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
}

/** Docker's sums: what no container uses could be had back. */
export function usageRows({ LayersSize, Images, Containers, Volumes }: DiskUsage): UsageRow[] {
  const [images, containers, volumes] = [Images ?? [], Containers ?? [], Volumes ?? []];
  const active = images.filter((image) => image.Containers > 0);
  const used = sum(active.map((image) => Math.max(0, image.Size - Math.max(0, image.SharedSize))));
  const resting = containers.filter(({ State }) => !['running', 'paused', 'restarting'].includes(State));
  const unused = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) <= 0);
  return [
    { type: 'Images', total: images.length, active: active.length, size: LayersSize, reclaimable: Math.max(0, LayersSize - used) },
    {
      type: 'Containers',
      total: containers.length,
      active: containers.length - resting.length,
      size: sum(containers.map(writtenBytes)),
      reclaimable: sum(resting.map(writtenBytes)),
    },
    {
      type: 'Local Volumes',
      total: volumes.length,
      active: volumes.length - unused.length,
      size: sum(volumes.map(volumeBytes)),
      reclaimable: sum(unused.map(volumeBytes)),
    },
  ];
}

export function usageView(): View<UsageRow> {
  return {
    columns: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
    titles: { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' },
    fields: ({ type, total, active, size, reclaimable }) => ({
      Type: type,
      TotalCount: String(total),
      Active: String(active),
      Size: decimalSum(size),
      Reclaimable: `${decimalSum(reclaimable)}${size > 0 ? ` (${Math.floor((reclaimable / size) * 100)}%)` : ''}`,
    }),
  };
}

/** Each image, container and volume by itself. */
export function usageDetails({ Images, Containers, Volumes }: DiskUsage, nowMs: number): string {
  const ago = (seconds: number): string => `${durationText(nowMs - seconds * 1_000)} ago`;
  const images = imageRows(Images ?? []).map(({ repository, tag, image }) => imageCells(repository, tag, image, ago(image.Created)));
  const containers = (Containers ?? []).map((container) => containerCells(container, ago(container.Created)));
  const volumes = (Volumes ?? []).map((volume) => [volume.Name, String(volume.UsageData?.RefCount ?? 0), decimalSum(volumeBytes(volume))]);
  const imageTitles = ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE', 'CONTAINERS'];
  const containerTitles = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'SIZE', 'CREATED', 'STATUS', 'NAMES'];
  return [
    `Images space usage:\n\n${table([imageTitles, ...images])}`,
    `Containers space usage:\n\n${table([containerTitles, ...containers])}`,
    `Local Volumes space usage:\n\n${table([['VOLUME NAME', 'LINKS', 'SIZE'], ...volumes])}`,
  ].join('\n');
}

function imageCells(repository: string, tag: string, image: ImageSummary, created: string): string[] {
  const shared = Math.max(0, image.SharedSize);
  return [
    repository,
    tag,
    image.Id.replace(/^sha256:/, '').slice(0, 12),
    created,
    decimalSum(image.Size),
    decimalSum(shared),
    decimalSum(Math.max(0, image.Size - shared)),
    String(Math.max(0, image.Containers)),
  ];
}

function containerCells(container: ContainerSummary, created: string): string[] {
  const { Id, Image, Command, Status, Names } = container;
  return [
    Id.slice(0, 12),
    Image,
    JSON.stringify(Command.length > 20 ? `${Command.slice(0, 19)}…` : Command),
    String(localVolumes(container)),
    decimalSum(writtenBytes(container)),
    created,
    Status,
    Names.map((name) => name.replace(/^\//, '')).join(','),
  ];
}

/** How many volumes it has. */
const localVolumes = ({ Mounts }: ContainerSummary): number => Mounts.filter(({ Type }) => Type === 'volume').length;

const writtenBytes = ({ SizeRw = 0 }: ContainerSummary): number => SizeRw;
const volumeBytes = ({ UsageData }: VolumeRow): number => Math.max(0, UsageData?.Size ?? 0);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
