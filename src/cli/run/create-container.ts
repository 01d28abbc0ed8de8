import type { Client } from '../../docker-api/client.ts';
import type { ContainerCreateResponse } from '../../docker-api/types.ts';
import type { Io } from '../io.ts';
import { readBodyFiles } from './body-files.ts';
import { writingId } from './cid-file.ts';
import type { ContainerOptions } from './container-options.ts';
import { createBody } from './create-body.ts';
import { pullMissing } from './pull-missing.ts';

export interface CreateRequest {
  readonly image: string;
  readonly command: readonly string[];
  readonly options: ContainerOptions;
  readonly attached: boolean;
}

/** Places a container, fetching its image first where that is missing or asked for. Resolves to its id. */
export async function createContainer(client: Client, io: Io, request: CreateRequest): Promise<string> {
  const { image, options } = request;
  const body = createBody({ ...request, ...(await readBodyFiles(options)), env: io.env, terminalSize: io.terminal.size() });
  const query = { name: options.name, platform: options.platform };
  return await writingId(options.cidfile, async () => {
    const created = await pullMissing(client, io, options, [image], () =>
      client.json<ContainerCreateResponse>('POST', '/containers/create', { query, body }),
    );
    const { Id, Warnings } = created.value;
    // In the foreground stderr is the container's own, where nobody looks at it as a person.
    if (!request.attached || io.stderrIsTty) for (const warning of Warnings) io.stderr.write(`warning: ${warning}\n`);
    return Id;
  });
}
