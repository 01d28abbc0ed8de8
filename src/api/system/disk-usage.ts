import { Array as ArrayOf, Integer, Null, Number as NumberOf, Object as ObjectOf, String as StringOf, Union } from 'typebox';
import { Check } from 'typebox/schema';
import type { Member } from '../../core/model/index.ts';
import type { ContainerSummary, DiskUsage, VolumeRow } from '../../docker-api/types.ts';
import { VolumeError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { inWholeSeconds, listHere, newest } from '../containers/list.ts';
import { ApiError } from '../http/api-error.ts';
import { rowsOf } from '../http/check.ts';
import { allOf, type Query } from '../http/query.ts';
import { mergeImages, PEER_IMAGE_ROW } from '../images/list.ts';
import { imageRow, type ImageRow } from '../images/shapes.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { peerVolumes } from '../volumes/list-volumes.ts';
import { volumeRow } from '../volumes/volume-row.ts';

const TYPES = ['container', 'image', 'volume', 'build-cache'] as const;
/** Directories are measured file by file. */
const MEASURE_DEADLINE_MS = 60_000;

const texts = Union([Null(), ArrayOf(ObjectOf({}))]);
const PEER_USAGE = ObjectOf({ LayersSize: NumberOf(), Images: texts, Containers: texts });
const PEER_CONTAINER = ObjectOf({
  Id: StringOf(),
  Names: ArrayOf(StringOf()),
  Created: NumberOf(),
  SizeRw: Integer(),
  SizeRootFs: Integer(),
});

/** How much room things take, on all nodes that answer: one row per image with what it takes on all of them together. @throws ApiError 400 */
export async function diskUsage(
  context: ApiContext,
  query: Query,
  scope: Scope,
): Promise<{ readonly usage: DiskUsage; readonly silent: readonly Member[] }> {
  const types = allOf(query, 'type');
  const unknown = types.find((type) => !TYPES.some((known) => known === type));
  if (unknown !== undefined) throw new ApiError(400, `unknown object type: ${unknown.slice(0, 80)}; it is one of ${TYPES.join(', ')}`);
  const isMeant = (type: (typeof TYPES)[number]): boolean => types.length === 0 || types.includes(type);
  const path = `/system/df?${types.map((type) => `type=${type}`).join('&')}`;
  const asking = scope === 'node' ? undefined : askAll(context.backend, { path, deadlineMs: MEASURE_DEADLINE_MS });
  const own: DiskUsage = {
    ...(isMeant('image') ? await imagesHere(context) : { LayersSize: 0, Images: [] }),
    Containers: isMeant('container')
      ? await listHere(context.backend, { all: true, size: true, limit: undefined, filters: new Map() })
      : [],
    Volumes: isMeant('volume') ? await volumesHere(context) : [],
    BuildCache: [],
    BuilderSize: 0,
  };
  if (asking === undefined) return { usage: own, silent: [] };
  const { answers, silent } = await asking;
  return { usage: sumOf([own, ...answers.flatMap(({ body }) => peerUsage(body))]), silent };
}

async function imagesHere({ backend }: ApiContext): Promise<Pick<DiskUsage, 'LayersSize' | 'Images'>> {
  const [images, usage] = await Promise.all([backend.images.list(), backend.images.usage()]);
  return { LayersSize: usage.layersBytes, Images: images.map((image) => imageRow(image, usage)) };
}

async function volumesHere({ backend }: ApiContext): Promise<VolumeRow[]> {
  const { here } = backend.volumes;
  const node = backend.self();
  const rows: VolumeRow[] = [];
  for (const volume of await here.list()) {
    const Size = await here.sizeOf(volume.name).catch((error: unknown) => {
      // It was removed meanwhile.
      if (error instanceof VolumeError) return undefined;
      throw error;
    });
    if (Size !== undefined) rows.push({ ...volumeRow(volume, node), UsageData: { Size, RefCount: volume.usedBy.length } });
  }
  return rows;
}

/** A peer's answer; none, where it is of another shape. */
function peerUsage(body: unknown): DiskUsage[] {
  if (!Check(PEER_USAGE, body)) return [];
  return [
    {
      LayersSize: body.LayersSize,
      Images: rowsOf(PEER_IMAGE_ROW, body.Images) as unknown as ImageRow[],
      Containers: rowsOf(PEER_CONTAINER, body.Containers) as unknown as ContainerSummary[],
      Volumes: peerVolumes(body),
      BuildCache: [],
    },
  ];
}

function sumOf(all: readonly DiskUsage[]): DiskUsage {
  const rows = all.flatMap(({ Images }) => (Images ?? []) as ImageRow[]);
  const sizes = new Map<string, { own: number; shared: number }>();
  for (const { Caravela, Size, SharedSize } of rows) {
    const { own, shared } = sizes.get(Caravela.Digest) ?? { own: 0, shared: 0 };
    sizes.set(Caravela.Digest, { own: own + Size, shared: shared + Math.max(0, SharedSize) });
  }
  return {
    LayersSize: all.reduce((sum, { LayersSize }) => sum + LayersSize, 0),
    Images: mergeImages(rows).map((row) => {
      const { own, shared } = sizes.get(row.Caravela.Digest) ?? { own: row.Size, shared: row.SharedSize };
      return { ...row, Size: own, VirtualSize: own, SharedSize: shared };
    }),
    Containers: newest(
      all.flatMap(({ Containers }) => Containers ?? []),
      undefined,
    ).map(inWholeSeconds),
    Volumes: all.flatMap(({ Volumes }) => Volumes ?? []).sort((a, b) => (a.Name < b.Name ? -1 : 1)),
    BuildCache: [],
    BuilderSize: 0,
  };
}
