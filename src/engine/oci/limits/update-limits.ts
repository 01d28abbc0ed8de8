import { type ContainerLimits, EngineError } from '../../port.ts';
import { changedLimits, updatedSpec } from '../../updated-spec.ts';
import type { HeldContainer } from '../held-container.ts';
import type { Host } from '../host.ts';
import { writeRecord } from '../record.ts';
import { applyLimits } from './apply-limits.ts';

/** Other limits for a container: at once where it runs, and in its record for its next starts; all of it or nothing. @throws EngineError */
export async function updateLimits(host: Host, held: HeldContainer, limits: ContainerLimits): Promise<void> {
  const { id } = held.record;
  const record = { ...held.record, spec: updatedSpec(held.record.spec, limits) };
  const takeBack =
    held.running === undefined ? async () => undefined : await applyLimits(host, id, changedLimits(held.record.spec, limits), record.spec);
  try {
    await writeRecord(host.paths.container(id).record, record, true);
  } catch (error) {
    await takeBack();
    throw new EngineError('engine-failed', `the limits of container ${id} can't be written down and stay as they were: ${String(error)}`);
  }
  held.amend(record);
}
