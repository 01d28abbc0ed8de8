import http from 'node:http';

/**
 * Uploads `blobs` and points NAME:TAG of `http://HOST[:PORT]/NAME:TAG` at the manifest among them, by
 * the registry's monolithic upload: POST for a session, PUT with the digest (OCI distribution spec,
 * "Pushing blobs"). Plain HTTP, no credentials: for registries of tests and demos.
 */
export async function pushBlobs(
  target: URL,
  blobs: ReadonlyMap<string, Buffer>,
  manifestDigest: string,
  manifestType: string,
): Promise<void> {
  const { name, tag } = splitTarget(target);
  for (const [digest, content] of blobs) {
    if (digest !== manifestDigest) await pushBlob(target, name, digest, content);
  }
  await pushManifest(target, name, tag, blobs.get(manifestDigest) ?? Buffer.alloc(0), manifestType);
}

export async function pushManifest(target: URL, name: string, tag: string, content: Buffer, type: string): Promise<void> {
  await send('PUT', new URL(`/v2/${name}/manifests/${tag}`, target), 201, content, type);
}

async function pushBlob(target: URL, name: string, digest: string, content: Buffer): Promise<void> {
  const session = await send('POST', new URL(`/v2/${name}/blobs/uploads/`, target), 202);
  const location = new URL(session.location ?? '', target);
  location.searchParams.set('digest', digest);
  await send('PUT', location, 201, content, 'application/octet-stream');
}

function splitTarget(target: URL): { name: string; tag: string } {
  const path = target.pathname.slice(1);
  const colon = path.lastIndexOf(':');
  return colon < 0 ? { name: path, tag: 'latest' } : { name: path.slice(0, colon), tag: path.slice(colon + 1) };
}

function send(method: string, url: URL, expected: number, content?: Buffer, type?: string): Promise<http.IncomingHttpHeaders> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingHttpHeaders>();
  const headers = { 'content-length': content?.length ?? 0, ...(type === undefined ? {} : { 'content-type': type }) };
  const request = http.request(url, { method, headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    response.on('end', () => {
      if (response.statusCode === expected) resolve(response.headers);
      else reject(new Error(`${method} ${url.href}: ${response.statusCode}, not ${expected}: ${Buffer.concat(chunks).toString().trim()}`));
    });
  });
  request.on('error', reject).end(content);
  return promise;
}
