import { access, readFile, writeFile } from 'node:fs/promises';
import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import type { ContainerCreateBody, ContainerCreateResponse } from '../../docker-api/types.ts';
import { EXIT, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { pullImage } from '../pull/pull-image.ts';
import type { ContainerOptions } from './container-options.ts';
import { createBody } from './create-body.ts';

export interface CreateRequest {
  readonly image: string;
  readonly command: readonly string[];
  readonly options: ContainerOptions;
  readonly attached: boolean;
}

/** Places a container, fetching its image first where that is missing or asked for. Resolves to its id. */
export async function createContainer(client: Client, io: Io, request: CreateRequest): Promise<string> {
  const { image, options } = request;
  if (options.cidfile !== undefined) await refuseExisting(options.cidfile);
  const read = (files: readonly string[] | undefined) => Promise.all((files ?? []).map((file) => readFile(file, 'utf8')));
  const [envFiles, labelFiles] = await Promise.all([read(options.envFile), read(options.labelFile)]);
  const body = createBody({ ...request, envFiles, labelFiles, env: io.env });
  const progress = options.quiet === true ? undefined : io.stderr;

  if (options.pull === 'always') await pullImage(client, image, { to: progress, tty: io.stderrIsTty });
  const created = await createPulling(client, body, options, async () => {
    progress?.write(`${image} is not known here yet: pulling it\n`);
    await pullImage(client, image, { to: progress, tty: io.stderrIsTty });
  });
  // In the foreground stderr is the container's own, where nobody looks at it as a person.
  if (!request.attached || io.stderrIsTty) for (const warning of created.Warnings) io.stderr.write(`warning: ${warning}\n`);
  if (options.cidfile !== undefined) await writeFile(options.cidfile, created.Id);
  return created.Id;
}

async function createPulling(
  client: Client,
  body: ContainerCreateBody,
  options: ContainerOptions,
  pull: () => Promise<void>,
): Promise<ContainerCreateResponse> {
  const create = async () =>
    (await client.json<ContainerCreateResponse>('POST', '/containers/create', { query: { name: options.name }, body })).value;
  try {
    return await create();
  } catch (error) {
    // 404 from create is only ever about the image.
    if (!(error instanceof ApiError && error.status === 404) || options.pull !== 'missing') throw error;
    await pull();
    return create();
  }
}

async function refuseExisting(file: string): Promise<void> {
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (there)
    throw new Failure(
      `the file ${file} exists: it may hold the id of another container; remove it, or name another --cidfile`,
      EXIT.refused,
    );
}
