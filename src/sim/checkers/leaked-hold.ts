import { shortId } from '../../core/model/index.ts';
import type { RequestId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Issued } from './checker.ts';

interface Held {
  readonly generation: number;
  readonly requests: Map<RequestId, { sinceMs: number }>;
}

/**
 * DESIGN §6, Holds: what is set aside for a run is given back. Every hold is one that a node said it made and
 * has not said it released; and none outlives its run by more than its time, whatever was lost or came late.
 */
export function leakedHold(): Checker {
  /** Held now, by the nodes' own events, in each node's present life. */
  const held = new Map<SimNode, Held>();
  const runs = new Map<RequestId, { readonly issued: Issued; endedMs: number }>();
  const of = (node: SimNode): Held['requests'] => {
    const known = held.get(node);
    if (known?.generation === node.generation) return known.requests;
    const requests: Held['requests'] = new Map();
    held.set(node, { generation: node.generation, requests });
    return requests;
  };
  return {
    name: 'leaked hold',
    onCommand(_world, issued) {
      for (const id of requestsOf(issued)) runs.set(id, { issued, endedMs: Number.POSITIVE_INFINITY });
    },
    onReply(world, issued) {
      for (const id of requestsOf(issued)) {
        const run = runs.get(id);
        if (run?.issued === issued) run.endedMs = world.nowMs;
      }
    },
    onEvent(world, node, event) {
      if (event.kind === 'hold-made') of(node).set(event.requestId, { sinceMs: world.nowMs });
      else if (event.kind === 'hold-released') of(node).delete(event.requestId);
    },
    onStep(world, node) {
      if (node.core === undefined || node.paused || world.nowMs - node.resumedMs < CATCH_UP_MS) return;
      const requests = of(node);
      const { holds } = node.core.resources();
      if (holds !== requests.size) {
        world.violate('leaked hold', 'correctness', `${node.name} has ${holds} holds, of which it told ${requests.size}`);
      }
      for (const [id, hold] of requests) {
        const run = runs.get(id);
        if (run === undefined) continue;
        const { node: buyer, generation } = run.issued;
        if (run.endedMs > world.nowMs && (!buyer.up || buyer.generation !== generation)) run.endedMs = world.nowMs;
        // A find that was long on its way makes one only after the end of its run; what waited for a pause to end may renew it.
        const sinceMs = Math.max(run.endedMs, hold.sinceMs, node.resumedMs);
        if (world.nowMs - sinceMs <= OUTLIVES_MS) continue;
        const what = `${id.slice(0, 6)} for ${shortId(buyer.id)}, whose run has ended`;
        world.violate('leaked hold', 'correctness', `${node.name} holds ${what}, since ${Math.round(world.nowMs - sinceMs)} ms`);
        hold.sinceMs = world.nowMs;
      }
    },
  };
}

function* requestsOf({ command }: Issued): Generator<RequestId> {
  if (command.kind === 'run') yield command.request.id;
  if (command.kind !== 'run-stack') return;
  yield command.stack.id;
  for (const { request } of command.stack.parts) yield request.id;
}

/** A hold lasts 5 s; its last renewal may have come as late as that, by a slow clock. */
const OUTLIVES_MS = 12_000;
/** After a pause timers fire before what waited: the messages of the whole pause. */
const CATCH_UP_MS = 1_000;
