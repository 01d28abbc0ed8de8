import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Literal,
  Object as ObjectOf,
  Optional,
  String as StringOf,
  Union,
  type Static,
} from 'typebox';
import { Check } from 'typebox/schema';
import type { ContainerId, NodeId } from '../../core/model/index.ts';
import type { Backend } from '../backend.ts';
import { ApiError } from '../http/api-error.ts';
import { askAll } from './ask.ts';

const text = StringOf({ maxLength: 4096 });
/** The part of an inspect that other nodes rely on. */
const ANSWER = ObjectOf({
  Id: StringOf({ pattern: '^[0-9a-f]{64}$' }),
  Created: text,
  Mounts: ArrayOf(
    ObjectOf({
      Type: Union([Literal('bind'), Literal('volume'), Literal('tmpfs')]),
      Name: Optional(text),
      Source: text,
      Destination: text,
      RW: BooleanOf(),
      Propagation: text,
    }),
    { maxItems: 1024 },
  ),
});

/** A container of another node, as far as its mounts. @throws ApiError 404, 503 */
export async function inspectThere(backend: Backend, node: NodeId, id: ContainerId): Promise<Static<typeof ANSWER>> {
  const { answers } = await askAll(backend, { path: `/containers/${id}/json`, whom: (member) => member.id === node });
  const [answer] = answers;
  if (answer?.status === 404) throw new ApiError(404, `No such container: ${id}`);
  const body = answer?.body;
  if (Check(ANSWER, body)) return body;
  throw new ApiError(503, `the node of container ${id} did not say what it is: try again`);
}

/** Wall-clock ms. @throws ApiError 404, 503 */
export async function createdThere(backend: Backend, node: NodeId, id: ContainerId): Promise<number> {
  return Date.parse((await inspectThere(backend, node, id)).Created);
}
