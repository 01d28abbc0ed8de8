import type { IncomingMessage } from 'node:http';
import type { Client } from '../../docker-api/client.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { WaitResponse } from '../../docker-api/types.ts';
import { EXIT, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { containerPath } from '../paths.ts';
import { LostOutput } from './copy-frames.ts';
import { Session, type SessionWish } from './session.ts';
import { startFailure } from './start-failure.ts';

/**
 * Starts a created container and is it, for whoever looks: its output is ours, our input and signals are its,
 * its exit code is ours, or 0 where the user detached from it. Attach and wait are open before the start, so that
 * nothing is missed: the server sends the headers of both at once.
 */
export async function runForeground(client: Client, io: Io, id: string, autoRemove: boolean, wish: SessionWish): Promise<number> {
  const session = await Session.open(client, io, id, wish);
  let waiting: IncomingMessage | undefined;
  try {
    waiting = await client.stream('POST', containerPath(id, '/wait'), { query: { condition: autoRemove ? 'removed' : 'next-exit' } });
    try {
      await client.json('POST', containerPath(id, '/start'));
    } catch (error) {
      throw startFailure(error);
    }
    session.running();
    return await outcome(session, waiting, id);
  } finally {
    session.close();
    waiting?.destroy();
  }
}

/** Shows what a container that runs writes, and its exit code; 0 where the user detached from it. */
export async function outcome(session: Session, waiting: IncomingMessage, id: string): Promise<number> {
  try {
    if ((await session.show()) === 'ended') return await exitCode(waiting, id);
  } catch (error) {
    await session.leaveLine();
    throw error instanceof LostOutput ? lost(id, error.why) : error;
  }
  session.close();
  await session.sayDetached();
  return 0;
}

/** @throws Failure where the daemon was lost */
export async function exitCode(waiting: IncomingMessage, id: string): Promise<number> {
  try {
    for await (const answer of jsonLines<WaitResponse>(waiting)) {
      const error = answer.Error?.Message;
      if (error !== undefined && error !== '') throw new Failure(error, answer.StatusCode === 0 ? EXIT.refused : answer.StatusCode);
      return answer.StatusCode;
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    // Told below: the connection broke, or the daemon ended.
  }
  throw lost(id);
}

/** Its node's daemon may be gone, or the one that was asked: the container lives on with neither. */
function lost(id: string, why = ''): Failure {
  const shortId = id.slice(0, 12);
  return new Failure(
    `lost the daemon before ${shortId} ended${why}: it may run on; see \`caravela ps\`, \`caravela logs ${shortId}\` and \`caravela attach ${shortId}\``,
    EXIT.refused,
  );
}
