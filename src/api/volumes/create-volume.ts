import { Null, Object as ObjectOf, Optional, Record as RecordOf, type Static, String as StringOf, Union } from 'typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NodeId } from '../../core/model/index.ts';
import { NODE_LABEL, type VolumeCreateBody } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { proxyJson } from '../instance/proxy.ts';
import type { Scope } from '../instance/scope.ts';
import { DRIVER, volumeRow } from './volume-row.ts';

const texts = Optional(Union([RecordOf(StringOf(), StringOf()), Null()]));
export const VOLUME_BODY = ObjectOf({ Name: Optional(StringOf()), Driver: Optional(StringOf()), DriverOpts: texts, Labels: texts });

/** The driver option that says on which node a volume is to be. */
const NODE_OPTION = 'node';
/** The local driver's, which make it mount file systems of the host's, or of others, or bound a volume's size. */
const NOT_HERE = ['type', 'o', 'device', 'size'];

/**
 * Makes a volume on the node that was asked, or on the one that the driver option `node` or the label `caravela.node`
 * names. One that exists is answered as it is, from where it is. @throws ApiError 400, 404, 409, 503
 */
export async function createVolume(
  context: ApiContext,
  body: Static<typeof VOLUME_BODY>,
  scope: Scope,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { backend } = context;
  const driver = body.Driver ?? '';
  if (driver !== '' && driver !== DRIVER) {
    throw new ApiError(
      404,
      `error looking up volume plugin ${driver}: plugin "${driver}" not found; Caravela has the driver "${DRIVER}" only`,
    );
  }
  checkOptions(body);
  const self = backend.self().id;
  const given = body.Name ?? '';
  const name = given === '' ? backend.randomHex(32) : given;
  const wished = wishedNode(context, body);
  const holder = backend.volumes.nodeOf(name);
  if (holder !== undefined && wished !== undefined && holder !== wished) throw isElsewhere(context, name, holder);
  const there = holder ?? wished ?? self;
  const wish: VolumeCreateBody = { Name: name, DriverOpts: body.DriverOpts ?? {}, Labels: body.Labels ?? {} };
  if (there !== self && scope === 'instance') return proxyJson(context, there, '/volumes/create', wish, request, reply);
  const claimed = await backend.volumes.claim(name);
  if (claimed !== self) {
    if (scope === 'node' || wished !== undefined) throw isElsewhere(context, name, claimed);
    return proxyJson(context, claimed, '/volumes/create', wish, request, reply);
  }
  const isNew = (await backend.volumes.here.inspect(name)) === undefined;
  try {
    const volume = await backend.volumes.here.create({
      name,
      labels: wish.Labels ?? {},
      options: wish.DriverOpts ?? {},
      anonymous: given === '',
    });
    // A removal just before may have given its name back just now.
    await backend.volumes.claim(name);
    if (isNew) context.note({ type: 'volume', action: 'create', id: name, attributes: { driver: DRIVER } });
    return await reply.code(201).send(volumeRow(volume, backend.self()));
  } catch (error) {
    // Nobody has it then: its name is free again.
    if (holder === undefined) await backend.volumes.release(name).catch(() => undefined);
    throw error;
  }
}

/** A volume that was asked for with an option is not to be a plain one. @throws ApiError 400, 501 */
function checkOptions({ Name = '', DriverOpts }: Static<typeof VOLUME_BODY>): void {
  const option = Object.keys(DriverOpts ?? {}).find((key) => key !== NODE_OPTION);
  if (option === undefined) return;
  if (!NOT_HERE.includes(option)) {
    throw new ApiError(
      400,
      `create ${Name.slice(0, 80)}: invalid option: ${JSON.stringify(option.slice(0, 80))} (there is ${NODE_OPTION}=NAME only)`,
    );
  }
  throw new ApiError(
    501,
    `Caravela does not have the volume option ${JSON.stringify(option)}: mount the file system on the host, and bind it (-v /mnt/it:/data)`,
  );
}

/** @throws ApiError 404, 400 */
function wishedNode({ backend }: ApiContext, { DriverOpts, Labels }: Static<typeof VOLUME_BODY>): NodeId | undefined {
  const wish = DriverOpts?.[NODE_OPTION] ?? Labels?.[NODE_LABEL];
  if (wish === undefined) return undefined;
  const member = backend.members().find(({ id, name, state }) => (name === wish || id === wish) && state !== 'left');
  if (member === undefined) throw new ApiError(404, `No such node: ${wish}; a volume is made on one of the instance's nodes`);
  return member.id;
}

function isElsewhere({ backend }: ApiContext, name: string, node: NodeId): ApiError {
  const holder = backend.members().find(({ id }) => id === node)?.name ?? node;
  return new ApiError(409, `A volume named ${name} already exists on node ${holder}; choose another name, or remove it first`);
}
