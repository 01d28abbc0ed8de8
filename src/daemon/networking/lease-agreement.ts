import { AgreementUnavailable } from '../../agreement/port.ts';
import type { AgreedState } from '../../agreement/state/port.ts';
import type { ChangeAnswer, LeaseChange, LeasesAnswer } from '../../core/leases/port.ts';
import type { NetworkId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';

/** Agreement says within 2.5 s whether there is one; should it not, this does. */
const AGREEMENT_MS = 2_800;

/** Reads and changes of leases, with every way to fail as an answer. */
export class LeaseAgreement {
  readonly #state: Pick<AgreedState, 'readLeases' | 'changeLeases'>;
  readonly #log: Log;

  constructor(state: Pick<AgreedState, 'readLeases' | 'changeLeases'>, log: Log) {
    this.#state = state;
    this.#log = log;
  }

  read(network: NetworkId): Promise<LeasesAnswer> {
    return within<LeasesAnswer>(this.#state.readLeases(network), 'unavailable', (error) => {
      this.#log('debug', 'leases could not be read', { network, error: String(error) });
      return 'unavailable';
    });
  }

  /** An error that does not say that nothing was written may hide that something was. */
  change(network: NetworkId, guard: number, change: LeaseChange): Promise<ChangeAnswer> {
    return within<ChangeAnswer>(this.#state.changeLeases(network, guard, change), 'unknown', (error) => {
      this.#log('debug', 'leases could not be changed', { network, error: String(error) });
      return error instanceof AgreementUnavailable && error.changed === 'no' ? 'unavailable' : 'unknown';
    });
  }
}

/** What a promise comes to, or `late` where it takes too long; it may then come to anything. */
async function within<T>(promise: Promise<T>, late: T, failed: (error: unknown) => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late), AGREEMENT_MS);
  });
  try {
    return await Promise.race([promise.catch(failed), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
