import type { Client } from '../../docker-api/client.ts';
import type { Io } from '../io.ts';
import type { TerminalSize } from './terminal.ts';

/**
 * Gives the terminal of a process in a container the size of ours, now and whenever that changes. Returns the way to stop.
 * @param path its own in the API, without `/resize`
 * @param redraw makes a program that shows something already show it again
 */
export function keepSize(client: Client, { terminal }: Io, path: string, redraw: boolean): () => void {
  let sending: Promise<unknown> = Promise.resolve();
  // One after another: the newest is the last that is told.
  const send = ({ rows, columns }: TerminalSize): void => {
    sending = sending.then(() => client.json('POST', `${path}/resize`, { query: { h: rows, w: columns } })).catch(() => {});
  };
  const follow = (): void => {
    const size = terminal.size();
    if (size !== undefined) send(size);
  };
  const now = terminal.size();
  if (redraw && now !== undefined) send({ ...now, rows: now.rows + 1 });
  follow();
  return terminal.onResize(follow);
}
