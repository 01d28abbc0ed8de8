import type { VolumeRow } from '../../docker-api/types.ts';
import { decimalSum } from '../format/human.ts';
import type { View } from '../format/list.ts';

/** Docker's columns of `volume ls`, with the node. */
export function volumeView(): View<VolumeRow> {
  return {
    columns: ['Driver', 'Name', 'Node'],
    titles: {
      Driver: 'DRIVER',
      Name: 'VOLUME NAME',
      Node: 'NODE',
      Scope: 'SCOPE',
      Mountpoint: 'MOUNTPOINT',
      Labels: 'LABELS',
      Links: 'LINKS',
      Size: 'SIZE',
    },
    fields: (row) => ({
      Driver: row.Driver,
      Name: row.Name,
      Node: row.Node?.Name ?? '',
      Scope: row.Scope,
      Mountpoint: row.Mountpoint,
      Labels: Object.entries(row.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: unknown) => row.Labels?.[String(key)] ?? '',
      Links: row.UsageData === undefined || row.UsageData === null ? 'N/A' : String(row.UsageData.RefCount),
      Size: row.UsageData === undefined || row.UsageData === null || row.UsageData.Size < 0 ? 'N/A' : decimalSum(row.UsageData.Size),
    }),
  };
}
