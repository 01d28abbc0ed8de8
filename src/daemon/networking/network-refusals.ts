import { AgreementUnavailable } from '../../agreement/port.ts';
import { NetworkRefused } from '../../api/network-service.ts';

/** Runs what may need agreement; a missing majority is said as such. @throws NetworkRefused */
export async function agreeing<T>(what: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof AgreementUnavailable)) throw error;
    const may = error.changed === 'unknown' ? ' It may have happened all the same: look before you try again.' : '';
    throw new NetworkRefused(
      'no-agreement',
      `${what} needs a majority of the agreement members: ${error.message.replace(/\.$/, '')}.${may}`,
    );
  }
}
