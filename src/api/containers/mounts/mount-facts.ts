import type { MountPoint } from '../../../docker-api/types.ts';
import type { MountWish, VolumeStore } from '../../../engine/port.ts';

/** What is mounted, with where a volume is on this host. */
export interface MountFacts {
  readonly wish: MountWish;
  /** On the host; '' where it has none, or is not made yet. */
  readonly source: string;
}

export function mountFacts(volumes: VolumeStore, wishes: readonly MountWish[]): Promise<readonly MountFacts[]> {
  return Promise.all(
    wishes.map(async (wish): Promise<MountFacts> => {
      if (wish.kind === 'bind') return { wish, source: wish.source };
      if (wish.kind === 'tmpfs') return { wish, source: '' };
      const volume = await volumes.inspect(wish.name).catch(() => undefined);
      return { wish, source: volume?.path ?? '' };
    }),
  );
}

/** As Docker has it. @param ofTmpfs targets of `--tmpfs`: of them only HostConfig tells. */
export function mountPointsOf(facts: readonly MountFacts[], ofTmpfs: readonly string[]): MountPoint[] {
  return facts.filter(({ wish }) => wish.kind !== 'tmpfs' || !ofTmpfs.includes(wish.target)).map(pointOf);
}

function pointOf({ wish, source }: MountFacts): MountPoint {
  const { target: Destination, readOnly } = wish;
  const common = { Source: source, Destination, Mode: readOnly ? 'ro' : '', RW: !readOnly };
  if (wish.kind === 'volume') return { Type: 'volume', Name: wish.name, ...common, Driver: 'local', Propagation: '' };
  return { Type: wish.kind, ...common, Propagation: wish.kind === 'bind' ? wish.propagation : '' };
}
