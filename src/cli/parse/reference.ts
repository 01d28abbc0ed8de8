/** An image as a user writes it: `nginx`, `localhost:5000/a/b:1`, `a@sha256:…`. */
export interface Reference {
  /** As written, without tag and digest. */
  readonly name: string;
  /** The registry that has it: `docker.io` where none is written. */
  readonly registry: string;
  /** The whole name: `docker.io/library/nginx`. */
  readonly fullName: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Docker's own registry, which goes without saying. */
export const DOCKER_HUB = 'docker.io';

/**
 * Takes a reference apart (the grammar of the distribution project's reference package). Whether a registry
 * would take its parts is for the daemon to say. @throws RangeError where a part is missing
 */
export function parseReference(text: string): Reference {
  const digestAt = text.indexOf('@');
  const [tagged, digest] = digestAt < 0 ? [text] : [text.slice(0, digestAt), text.slice(digestAt + 1)];
  // A colon before a slash parts a registry from its port.
  const tagAt = tagged.indexOf(':', tagged.lastIndexOf('/') + 1);
  const [name, tag] = tagAt < 0 ? [tagged] : [tagged.slice(0, tagAt), tagged.slice(tagAt + 1)];
  if (name === '' || tag === '' || digest === '' || /\s/.test(text)) {
    throw new RangeError(`${JSON.stringify(text)} is no reference to an image: write NAME, NAME:TAG or NAME@DIGEST`);
  }
  return { name, ...placeOf(name), ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** A first part that looks like a host is one. */
function placeOf(name: string): Pick<Reference, 'registry' | 'fullName'> {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const registry = !isHost || first === 'index.docker.io' ? DOCKER_HUB : first;
  const path = isHost ? name.slice(slash + 1) : name;
  const isOfficial = registry === DOCKER_HUB && !path.includes('/');
  return { registry, fullName: `${registry}/${isOfficial ? 'library/' : ''}${path}` };
}

/** What it is asked for by: its digest says it all, a tag beside that is dropped; `latest` where neither is written. */
export const tagOrDigest = ({ tag, digest }: Reference): string => digest ?? tag ?? 'latest';

/** In full, as Docker prints it: `docker.io/library/nginx:latest`. */
export const fullReference = (reference: Reference): string =>
  `${reference.fullName}${reference.digest === undefined ? ':' : '@'}${tagOrDigest(reference)}`;
