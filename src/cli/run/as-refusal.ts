import { EXIT, Failure, sentence } from '../failure.ts';

/** Where the daemon is what fails, not the container, Docker's `run` ends with 125. */
export async function asRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = sentence(error);
    throw why === undefined || error instanceof Failure ? withRefusalCode(error) : new Failure(why, EXIT.refused);
  }
}

function withRefusalCode(error: unknown): unknown {
  return error instanceof Failure && error.exitCode === EXIT.failed ? new Failure(error.message, EXIT.refused) : error;
}
