import type { NetworkId } from '../../core/model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Operation } from './difference.ts';
import type { Plan } from './plan.ts';

/** A step that could not be taken. */
export interface FailedStep {
  readonly step: Operation;
  readonly error: Error;
}

/**
 * Why the kernel hasn't all that is wanted. Networks stand beside one another: what is in the way of one, such as
 * somebody's device with its VNI, is no reason to keep containers off the others.
 */
export class KernelFailure extends Error {
  override name = 'KernelFailure';
  readonly #common: boolean;
  readonly #ofNetworks: ReadonlyMap<NetworkId, string>;

  private constructor(message: string, common: boolean, ofNetworks: ReadonlyMap<NetworkId, string>, cause?: unknown) {
    super(message, { cause });
    this.#common = common;
    this.#ofNetworks = ofNetworks;
  }

  /** Something that all networks stand on. */
  static ofAll(error: unknown): KernelFailure {
    return new KernelFailure(error instanceof Error ? error.message : String(error), true, new Map(), error);
  }

  /** What is left over of a network that isn't wanted any more, and doesn't go, is in nobody's way. */
  static ofSteps(failed: readonly FailedStep[], plan: Plan): KernelFailure {
    const networks = Map.groupBy(failed, ({ step }) => networkOf(step, plan));
    const ofNetworks = [...networks].flatMap(([network, some]): [NetworkId, string][] =>
      network === undefined ? [] : [[network, wordsOf(some)]],
    );
    return new KernelFailure(wordsOf(failed), false, new Map(ofNetworks));
  }

  /** What of it is in the way of a network; undefined: nothing. */
  of(network: NetworkId): string | undefined {
    return this.#common ? this.message : this.#ofNetworks.get(network);
  }
}

const wordsOf = (failed: readonly FailedStep[]): string => failed.map(({ error }) => error.message).join('; ');

/** Whose a step is; undefined: of no network that is wanted. */
function networkOf(step: Operation, plan: Plan): NetworkId | undefined {
  switch (step.do) {
    case 'make-link':
    case 'change-tunnel':
      return plan.networkOf(step.link.name);
    case 'change-link':
    case 'delete-link':
      return plan.networkOf(step.name);
    case 'put-on-bridge':
    case 'set-port':
    case 'plug-in':
    case 'resize-port':
      return plan.networkOf(step.port);
    case 'add-address':
    case 'delete-address':
      return plan.networkOf(step.address.link);
    case 'put-route':
    case 'delete-route':
      return step.route.link === undefined ? plan.networkWith(step.route.destination) : plan.networkOf(step.route.link);
    case 'put-neighbour':
    case 'delete-neighbour':
      return plan.networkOf(step.neighbour.link);
    case 'put-fdb':
    case 'delete-fdb':
      return plan.networkOf(step.entry.link);
    default:
      return assertNever(step);
  }
}
