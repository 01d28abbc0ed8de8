import { AgreementUnavailable } from '../../agreement/port.ts';
import { NetworkRefused } from '../../api/network-service.ts';
import { LeaseRefused } from './leases.ts';

/** Runs what may need agreement or addresses; a missing majority and an address that can't be had are said as such. @throws NetworkRefused */
export async function agreeing<T>(what: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof LeaseRefused) throw new NetworkRefused(CODES[error.code], error.message);
    if (!(error instanceof AgreementUnavailable)) throw error;
    const may = error.changed === 'unknown' ? ' It may have happened all the same: look before you try again.' : '';
    throw new NetworkRefused(
      'no-agreement',
      `${what} needs a majority of the agreement members: ${error.message.replace(/\.$/, '')}.${may}`,
    );
  }
}

const CODES: Readonly<Record<LeaseRefused['code'], NetworkRefused['code']>> = {
  exhausted: 'conflict',
  'in-use': 'conflict',
  'out-of-subnet': 'invalid',
  'no-agreement': 'no-agreement',
  'no-network': 'not-found',
};
