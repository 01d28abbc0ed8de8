/** RFC 1123's label. */
const NODE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 1123's host label: node names appear in DNS, labels and constraints. @throws Error naming the value */
export function checkNodeName(name: string): string {
  if (!NODE_NAME.test(name)) {
    throw new Error(
      `${JSON.stringify(name)} cannot be a node's name: use 1 to 63 of a-z, 0-9 and -, not starting or ending with - (--name NAME)`,
    );
  }
  return name;
}

/** A host name made into a node name: lower case, first label, other signs as -. */
export function nodeNameFrom(hostname: string): string {
  const label = (hostname.split('.')[0] ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return label === '' ? 'node' : label;
}
