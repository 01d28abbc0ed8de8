import { constants } from 'node:os';
import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import type { StackBody, StackCreated } from '../../docker-api/stack-types.ts';
import { EXIT, Failure, sentence } from '../failure.ts';
import { renderList, type View } from '../format/list.ts';
import type { Io } from '../io.ts';
import { containerPath } from '../paths.ts';
import type { ContainerOptions } from '../run/container-options.ts';
import { pullMissing } from '../run/pull-missing.ts';

type Placed = StackCreated['parts'][number];

/**
 * Places all containers of a stack or none, then starts them in its order. All or nothing holds for the
 * start, too: where one fails, or we are told to end, all of them are removed. @throws Failure 125, or 128 + the signal
 */
export async function runStack(
  client: Client,
  io: Io,
  body: StackBody,
  options: ContainerOptions,
  format: string | undefined,
): Promise<void> {
  // A template that can't be applied is told before there is anything to undo.
  renderList(body.parts.map(sample), VIEW, format);
  const images = body.parts.map((part) => part.body.Image);
  const { value } = await pullMissing(client, io, options, images, () =>
    client.json<StackCreated>('POST', '/caravela/v1/stacks', { body }),
  );
  for (const line of warningLines(value.parts)) io.stderr.write(`${line}\n`);
  await startAll(client, io, value.parts);
  io.stdout.write(renderList(value.parts, VIEW, format));
}

const VIEW: View<Placed> = {
  columns: ['ID', 'Name', 'Node'],
  titles: { ID: 'CONTAINER ID', Name: 'NAME', Node: 'NODE' },
  fields: ({ Id, Name, Node }) => ({ ID: Id.slice(0, 12), Name, Node }),
  json: ({ Id, Name, Node }) => ({ Id, Name, Node }),
};

/** A row as there may be. */
const sample = ({ name }: StackBody['parts'][number]): Placed => ({ Id: '0'.repeat(64), Name: name ?? '', Node: 'node', Warnings: [] });

/** Each warning once, with the containers that it is about. */
function warningLines(parts: readonly Placed[]): readonly string[] {
  const about = new Map<string, string[]>();
  for (const { Name, Warnings } of parts) for (const warning of Warnings) about.set(warning, [...(about.get(warning) ?? []), Name]);
  return [...about].map(([warning, names]) => {
    const all = names.length > 1 && names.length === parts.length;
    return `warning: ${all ? `all ${names.length} containers` : names.join(', ')}: ${warning}`;
  });
}

async function startAll(client: Client, io: Io, parts: readonly Placed[]): Promise<void> {
  let told: Failure | undefined;
  const listening = io.onSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], (signal) => {
    told ??= new Failure(`got ${signal}`, 128 + constants.signals[signal]);
  });
  try {
    for (const part of parts) {
      if (told !== undefined) throw told;
      await client.json('POST', containerPath(part.Id, '/start')).catch((error: unknown) => {
        const why = sentence(error);
        throw why === undefined ? error : new Failure(`container ${part.Name} on ${part.Node} did not start: ${why}`, EXIT.refused);
      });
    }
    if (told !== undefined) throw told;
  } catch (error) {
    const left = await removeAll(client, parts);
    const why = sentence(error);
    if (why === undefined) throw error;
    const rest =
      left.length === 0
        ? `${parts.length === 1 ? 'it was' : `all ${parts.length} containers of the stack were`} removed again`
        : `these containers of the stack could not be removed again: ${left.map((part) => part.Name).join(', ')}; end them with \`caravela rm -f\``;
    throw new Failure(`${why}; ${rest}`, error instanceof Failure ? error.exitCode : EXIT.refused);
  } finally {
    listening();
  }
}

/** Last first. @returns those that are still there */
async function removeAll(client: Client, parts: readonly Placed[]): Promise<readonly Placed[]> {
  const left: Placed[] = [];
  for (const part of parts.toReversed()) {
    try {
      await client.json('DELETE', containerPath(part.Id), { query: { force: true, v: true } });
    } catch (error) {
      // With --rm it may be gone by itself.
      if (!(error instanceof ApiError && error.status === 404)) left.unshift(part);
    }
  }
  return left;
}
