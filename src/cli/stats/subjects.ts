import type { Client } from '../../docker-api/client.ts';
import { type ContainerInspect, type ContainerSummary, NODE_LABEL } from '../../docker-api/types.ts';
import { containerPath } from '../paths.ts';
import type { Io } from '../io.ts';
import { warnUnreachable } from '../warnings.ts';
import type { Subject } from './watched.ts';

/** Those that are named. @throws ApiError where one is not there */
export function namedSubjects(client: Client, names: readonly string[]): Promise<Subject[]> {
  return Promise.all(
    names.map(async (name) => {
      const { value } = await client.json<ContainerInspect>('GET', containerPath(name, '/json'));
      return { id: value.Id, name: value.Name.replace(/^\//, ''), node: value.Node.Name };
    }),
  );
}

/** Those that run, or all, on all nodes. */
export async function listedSubjects(client: Client, io: Io, all: boolean): Promise<Subject[]> {
  const { value, headers } = await client.json<ContainerSummary[]>('GET', '/containers/json', { query: { all: all || undefined } });
  warnUnreachable(io, headers, 'containers');
  return value.map(({ Id, Names, Labels }) => ({ id: Id, name: Names[0]?.replace(/^\//, '') ?? '', node: Labels[NODE_LABEL] ?? '' }));
}
