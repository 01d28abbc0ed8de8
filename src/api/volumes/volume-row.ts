import type { Member } from '../../core/model/index.ts';
import type { VolumeRow } from '../../docker-api/types.ts';
import type { VolumeSummary } from '../../engine/port.ts';
import { nodeOf } from '../containers/inspect.ts';

/** The only driver: a directory of the volume's node. */
export const DRIVER = 'local';

/** A volume of this node, as Docker answers it; where it is stands in Node, and in Status for clients that know Docker's only. */
export function volumeRow(volume: VolumeSummary, node: Member): VolumeRow {
  return {
    Name: volume.name,
    Driver: DRIVER,
    Mountpoint: volume.path,
    CreatedAt: new Date(volume.createdAtMs).toISOString(),
    Status: { Node: { Name: node.name, ID: node.id } },
    Labels: { ...volume.labels },
    Options: { ...volume.options },
    Scope: 'local',
    Node: nodeOf(node),
  };
}
