import { assertNever } from '../../lib/assert.ts';
import type { Prng } from '../../lib/prng.ts';
import type { HostFacts } from '../../core/model/index.ts';
import { EVEN_TEMPER } from '../host/sim-engine.ts';
import { drawPort } from '../workload/request.ts';
import { nodeUp } from './reach.ts';
import type { End, Reach, Weights, When } from './reach.ts';

/** Disks, engines and clocks. */
export type HostFault = When & { readonly node: number } & (
    | { readonly kind: 'disk-full' }
    /** Writes are answered up to `byMs` late. */
    | { readonly kind: 'disk-slow'; readonly byMs: number }
    /** Something else has ports of the host, and its routes leave no room for a network. */
    | { readonly kind: 'host-crowded'; readonly facts: HostFacts }
    /** The engine refuses most orders. */
    | { readonly kind: 'engine-broken' }
    /** The wall clock jumps, and stays. */
    | { readonly kind: 'wall-jump'; readonly byMs: number }
    /** All its clocks run at this rate: a virtual machine that is starved, or a bad oscillator. */
    | { readonly kind: 'clock-drift'; readonly rate: number }
  );

export const HOST_WEIGHTS: Weights<HostFault> = {
  'disk-full': 1,
  'disk-slow': 1,
  'host-crowded': 1,
  'engine-broken': 1,
  'wall-jump': 1,
  'clock-drift': 1,
};

const YEAR_MS = 31_557_600_000;

export function drawHostFault(random: Prng, kind: HostFault['kind'], when: When, nodes: number): HostFault {
  const node = random.int(nodes);
  switch (kind) {
    case 'disk-slow':
      return { kind, ...when, node, byMs: 50 + random.float() ** 2 * 3_000 };
    case 'host-crowded':
      return { kind, ...when, node, facts: drawFacts(random) };
    case 'wall-jump':
      return { kind, ...when, node, byMs: drawJump(random.float()) };
    case 'clock-drift':
      return { kind, ...when, node, rate: 0.95 + random.float() * 0.1 };
    case 'disk-full':
    case 'engine-broken':
      return { kind, ...when, node };
    default:
      return assertNever(kind);
  }
}

/** Returns what ends it; undefined where it can't happen now. */
export function causeHostFault(reach: Reach, fault: HostFault): End | undefined {
  const node = nodeUp(reach, fault.node);
  if (node === undefined) return undefined;
  const { disk, engine, clock } = node;
  switch (fault.kind) {
    case 'disk-full':
      disk.diskFull = true;
      return () => {
        disk.diskFull = false;
      };
    case 'disk-slow':
      disk.diskSlowMs = fault.byMs;
      return () => {
        disk.diskSlowMs = 0;
      };
    case 'host-crowded':
      node.changeHost(fault.facts);
      return () => node.changeHost({ busyPorts: [], closedNetworks: [] });
    case 'engine-broken':
      engine.temper = { ...EVEN_TEMPER, createFails: 0.9, startFails: 0.9 };
      return () => {
        engine.temper = { ...EVEN_TEMPER };
      };
    case 'wall-jump':
      clock.jump(fault.byMs);
      return () => undefined;
    case 'clock-drift': {
      const before = clock.rate;
      clock.rate = fault.rate;
      return () => {
        clock.rate = before;
      };
    }
    default:
      return assertNever(fault);
  }
}

function drawFacts(random: Prng): HostFacts {
  const busyPorts = Array.from({ length: random.int(3) }, () => ({ ...drawPort(random), owner: undefined, by: 'a stranger' }));
  return { busyPorts, closedNetworks: [{ vni: 1 + random.int(4), why: 'its route overlaps' }] };
}

/** An hour either way, or decades: a host without a battery for its clock starts in 1970 until it has asked for the time. */
function drawJump(draw: number): number {
  if (draw < 0.1) return -50 * YEAR_MS;
  return draw < 0.2 ? 50 * YEAR_MS : (draw - 0.6) * 9_000_000;
}
