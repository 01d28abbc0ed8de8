import { Array as ArrayOf, Object as ObjectOf, Optional, type Static, String as StringOf, Unknown } from 'typebox';
import { Check } from 'typebox/schema';
import type { Member } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { normalise, noSuchImage } from './names.ts';

/** The part of a peer's answer to `images/{name}/json` that nodes go by; `Caravela` is ours. */
const PEER_IMAGE = ObjectOf({
  Id: StringOf(),
  Config: Optional(ObjectOf({ StopSignal: Optional(StringOf()), ExposedPorts: Optional(Unknown()) })),
  Caravela: ObjectOf({
    Digest: StringOf({ pattern: '^sha256:[0-9a-f]{64}$' }),
    References: ArrayOf(StringOf()),
    Arches: ArrayOf(StringOf({ maxLength: 32 }), { maxItems: 64 }),
    /** Absent: of a node of an older release. */
    UsedBy: Optional(ArrayOf(StringOf())),
    RunBy: Optional(ArrayOf(StringOf())),
  }),
});
export type PeerImage = Static<typeof PEER_IMAGE>;

/** An image on another node. */
export interface HeldImage {
  readonly member: Member;
  readonly image: PeerImage;
}

/** Other nodes that have an image of this name; with `any` no more than one of them. */
export async function askHolders(
  context: ApiContext,
  name: string,
  { any = false } = {},
): Promise<{ readonly holders: readonly HeldImage[]; readonly silent: readonly Member[] }> {
  const { answers, silent } = await askAll(context.backend, {
    path: `/images/${encodeURIComponent(name)}/json`,
    ...(any ? { enough: (answer) => answer.status === 200 && Check(PEER_IMAGE, answer.body) } : {}),
  });
  const holders = answers.flatMap(({ member, status, body }) =>
    status === 200 && Check(PEER_IMAGE, body) ? [{ member, image: body }] : [],
  );
  return { holders, silent };
}

/**
 * What all nodes know an image by: its name where it has that, else its digest, as its id differs by platform.
 * @throws ApiError 404
 */
export async function identify(context: ApiContext, name: string, scope: Scope): Promise<string> {
  const { references, digest } = await find(context, name, scope);
  const normalised = normalise(name);
  return normalised !== undefined && references.includes(normalised) ? normalised : digest;
}

/** The one image that is meant by a name here, or, where none is, on another node. @throws ApiError 404 */
export async function digestOf(context: ApiContext, name: string, scope: Scope): Promise<string> {
  return (await find(context, name, scope)).digest;
}

async function find(
  context: ApiContext,
  name: string,
  scope: Scope,
): Promise<{ readonly references: readonly string[]; readonly digest: string }> {
  const here = await context.backend.images.inspect(name);
  if (here !== undefined) return here;
  const { holders } = scope === 'node' ? { holders: [] } : await askHolders(context, name, { any: true });
  const [found] = holders;
  if (found === undefined) throw noSuchImage(name);
  const { References, Digest } = found.image.Caravela;
  return { references: References, digest: Digest };
}
