import type { NetworkRow } from '../../docker-api/types.ts';
import type { View } from '../format/list.ts';

/** Docker's columns of `network ls`, with the subnet. */
export function networkView(options: { readonly trunc: boolean }): View<NetworkRow> {
  return {
    columns: ['ID', 'Name', 'Driver', 'Scope', 'Subnet'],
    titles: {
      ID: 'NETWORK ID',
      Name: 'NAME',
      Driver: 'DRIVER',
      Scope: 'SCOPE',
      Subnet: 'SUBNET',
      Gateway: 'GATEWAY',
      VNI: 'VNI',
      IPv6: 'IPV6',
      Internal: 'INTERNAL',
      Labels: 'LABELS',
      CreatedAt: 'CREATED AT',
    },
    fields: (row) => ({
      ID: options.trunc ? row.Id.slice(0, 12) : row.Id,
      Name: row.Name,
      Driver: row.Driver,
      Scope: row.Scope,
      Subnet: row.IPAM.Config[0]?.Subnet ?? '',
      Gateway: row.IPAM.Config[0]?.Gateway ?? '',
      VNI: row.Caravela === undefined ? '' : String(row.Caravela.VNI),
      IPv6: String(row.EnableIPv6),
      Internal: String(row.Internal),
      Labels: Object.entries(row.Labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: unknown) => row.Labels[String(key)] ?? '',
      CreatedAt: row.Created,
    }),
  };
}
