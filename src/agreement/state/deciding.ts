import type { AgreedVersion, NetworkId } from '../../core/model/index.ts';
import { AgreementUnavailable, type Condition, type Entry, type Write } from '../port.ts';
import { decodeFact, encodeFact } from './codec.ts';
import type { Fact } from './fact.ts';

/** How changes get from the engine to this node's copy, and on to others. */
export interface Follow {
  /** Resolves when the copy has this version or a newer one. @throws AgreementUnavailable */
  reach(version: AgreedVersion): Promise<void>;
  /** Leases of this network came or went by this node's doing: tells the nodes on it, and waits a moment for them. */
  announce(network: NetworkId): Promise<void>;
}

/** Leases that one change can add and remove together: the engine's bound, less the conditions. */
export const LEASES_PER_CHANGE = 24;
/** Another change may come between reading and writing, again and again; each time somebody else got on. */
export const TRIES = 32;

export function put(fact: Fact): Write {
  const { key, value } = encodeFact(fact);
  return { put: key, value };
}

/** Those of one kind; what can't be read is left aside, as in the copy. */
export function factsOf<K extends Fact['kind']>(entries: readonly Entry[], kind: K): readonly Extract<Fact, { kind: K }>[] {
  return entries.flatMap(({ key, value }) => {
    const decoded = decodeFact(key, value);
    return decoded.ok && decoded.fact.kind === kind ? [decoded.fact as Extract<Fact, { kind: K }>] : [];
  });
}

/**
 * The copy has what was just committed. Where it can't be brought up to that, nobody may take it for not written:
 * who gave something up would go on using it. @throws AgreementUnavailable `unknown`
 */
export async function reached(follow: Follow, version: AgreedVersion): Promise<void> {
  try {
    await follow.reach(version);
  } catch (error) {
    throw error instanceof AgreementUnavailable ? new AgreementUnavailable(error.message, 'unknown') : error;
  }
}

export const contended = (what: string): Error =>
  new Error(`${what} were changed by others ${TRIES} times while this was being decided: try again`);

/** The key is as it was read: absent, or unchanged. */
export function unchanged(key: string, entry: Entry | undefined): Condition {
  return entry === undefined ? { key, is: 'absent' } : { key, is: 'at', modRevision: entry.modRevision };
}
