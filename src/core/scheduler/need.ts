import { LIMITS } from '../model/index.ts';
import type { Need, NodeId, Placement } from '../model/index.ts';
import type { Run } from './run.ts';
import { affinitiesAt, awayFrom, constraintsOf, givenUp } from './wishes.ts';

/** What is asked of suppliers: of `node`, or of whomever a trader chooses. */
export function needOf(run: Run, buyer: NodeId, node?: NodeId): Need {
  const { resources, class: cpuClass, arches, policy, hostPorts, vnis } = run.wanted;
  const barred = node === undefined ? run.barred : [];
  return {
    requestId: run.request.id,
    attempt: run.attempt,
    buyer,
    resources,
    class: cpuClass,
    arches,
    constraints: constraintsOf(run),
    affinities: affinitiesAt(run, node),
    // Those that bind first: what does not fit is noticed when such a node accepts. Who is asked itself tells why not.
    exclude: [...new Set([...run.owner.others(run), ...awayFrom(run), ...run.excluded, ...run.failed, ...run.shunned, ...barred])].slice(
      0,
      LIMITS.exclude,
    ),
    policy,
    specDigest: run.specDigest,
    hostPorts,
    vnis,
  };
}

/** What users are told of it. */
export function placementOf(run: Run, buyer: NodeId, supplier: NodeId | undefined, nowMs: number): Placement {
  const gaveUp = givenUp(run);
  return {
    requestId: run.request.id,
    wanted: run.wanted.resources,
    policy: run.wanted.policy,
    buyer,
    supplier,
    attempts: run.attempt,
    by: supplier === undefined ? 'none' : run.by,
    tookMs: Math.round(nowMs - run.startedMs),
    considered: [...run.considered.values()],
    ...(gaveUp.length > 0 && { givenUp: gaveUp }),
  };
}
