/** An image reference as images/create takes it: the repository, and the tag or digest (`latest` where none is said). */
export function splitReference(reference: string): { readonly repository: string; readonly tag: string } {
  const digestAt = reference.indexOf('@');
  if (digestAt >= 0) {
    // A digest says it all: a tag before it is dropped, as Docker does.
    return { repository: splitReference(reference.slice(0, digestAt)).repository, tag: reference.slice(digestAt + 1) };
  }
  const tagAt = reference.indexOf(':', reference.lastIndexOf('/') + 1);
  return tagAt < 0 ? { repository: reference, tag: 'latest' } : { repository: reference.slice(0, tagAt), tag: reference.slice(tagAt + 1) };
}
