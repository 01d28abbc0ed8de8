import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Client } from '../../docker-api/client.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { EventMessage } from '../../docker-api/types.ts';
import { Failure } from '../failure.ts';
import { type Io, write } from '../io.ts';
import type { StatsRow } from '../views/stats-view.ts';
import { type Subject, Watched } from './watched.ts';

const REDRAW_EVERY_MS = 500;
/** Each is a connection to the daemon. */
export const MOST_WATCHED = 256;
const [CLEAR_SCREEN, TO_TOP, CLEAR_LINE_END, CLEAR_BELOW] = ['\u001b[H\u001b[2J', '\u001b[H', '\u001b[K', '\u001b[J'];

export interface LiveWish {
  /** undefined: those of `list`, and what comes and goes. */
  readonly named: readonly Subject[] | undefined;
  list(): Promise<readonly Subject[]>;
  /** Also those that do not run. */
  readonly all: boolean;
  readonly render: (rows: readonly StatsRow[]) => string;
}

/** Shows figures until the user ends it, or none of those named is left. @throws Failure, ApiError */
export async function liveTable(client: Client, io: Io, wish: LiveWish): Promise<void> {
  const watched = new Map<string, Watched>();
  const ending = new AbortController();
  const { signal } = ending;
  const add = (subject: Subject): void => {
    if (watched.has(subject.id) || watched.size >= MOST_WATCHED) return;
    watched.set(subject.id, new Watched(client, subject));
  };
  try {
    // Listened to before they are listed: none that starts in between is missed.
    const changes = wish.named === undefined ? await changesOf(client, signal) : undefined;
    for (const subject of wish.named ?? (await wish.list())) add(subject);
    const over = changes === undefined ? allEnded(watched) : follow(changes, wish, add, watched, signal);
    await Promise.race([over, draw(io, watched, wish, signal)]);
  } finally {
    ending.abort();
    for (const one of watched.values()) one.close();
  }
}

/** Redraws for as long as somebody looks: a terminal that is gone ends it by an error. */
async function draw(io: Io, watched: ReadonlyMap<string, Watched>, { render }: LiveWish, signal: AbortSignal): Promise<void> {
  if (io.stdoutIsTty) await write(io.stdout, CLEAR_SCREEN);
  for (;;) {
    // The figures of the first moment come before anything is shown of them.
    await setTimeout(REDRAW_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const text = render([...watched.values()].map(({ row }) => row));
    await write(io.stdout, io.stdoutIsTty ? `${TO_TOP}${text.replaceAll('\n', `${CLEAR_LINE_END}\n`)}${CLEAR_BELOW}` : text);
  }
}

function changesOf(client: Client, signal: AbortSignal): Promise<Readable> {
  const filters = { type: ['container'], event: ['create', 'start', 'die', 'destroy'] };
  return client.stream('GET', '/events', { query: { filters }, signal });
}

/** What starts is shown from then on, what is removed no longer. Ends with the stream of events. */
async function follow(
  changes: Readable,
  wish: LiveWish,
  add: (subject: Subject) => void,
  watched: Map<string, Watched>,
  signal: AbortSignal,
): Promise<void> {
  const drop = (id: string): void => {
    watched.get(id)?.close();
    watched.delete(id);
  };
  try {
    for await (const { Action, Actor } of jsonLines<EventMessage>(changes)) {
      if (Action === 'destroy' || (Action === 'die' && !wish.all)) drop(Actor.ID);
      else if (Action === 'start' || wish.all) {
        // It may have been watched while it did not run: its figures begin anew.
        drop(Actor.ID);
        for (const subject of await wish.list()) if (subject.id === Actor.ID) add(subject);
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  if (!signal.aborted) throw new Failure('the daemon ended the stream of events');
}

/** The only reason for one named to end is that it can't be shown any more. */
async function allEnded(watched: ReadonlyMap<string, Watched>): Promise<void> {
  const reasons = await Promise.all([...watched.values()].map(({ ended }) => ended));
  const why = reasons.find((reason) => reason !== undefined);
  if (why !== undefined) throw new Failure(why);
}
