import { createHash } from 'node:crypto';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeImage } from '../../scripts/make-image.ts';
import { type Command, containerId, type ContainerId, type Member, type NodeId, nodeId } from '../core/model/index.ts';
import { fakeRegistry, type FakeRegistry, imageOf, never, openImages, pullOptions } from '../engine/oci/images/images-bench.test-suite.ts';
import type { OciImages } from '../engine/oci/images/oci-images.ts';
import { fixtureTar } from '../engine/oci/images/unpack/tar-fixture.ts';
import { type PeerRequest, type PeerResponse, PeerUnreachable } from '../transport/port.ts';
import { serveBlob } from './blob-server.ts';
import { EXCHANGE_PATH, NodeImageExchange } from './image-exchange.ts';
import { BLOBS_PATH } from './peer-blobs.ts';

const image = imageOf([{ name: 'file', content: 'x'.repeat(100_000) }]);
/** What is waited for in seconds is waited for in tenths of them. */
const FASTER = 10;
const CONTAINER = containerId('ab'.repeat(32));
const ME = { username: 'me', password: 'secret' };
const BASIC = `Basic ${Buffer.from('me:secret').toString('base64')}`;

interface Node {
  readonly id: NodeId;
  readonly images: OciImages;
  readonly exchange: NodeImageExchange;
  /** What peers asked it for. */
  readonly asked: string[];
  isLying: boolean;
  isGone: boolean;
  arch: string;
}

/** Nodes with stores of their own, and HTTP/2 between them. */
async function nodesOf(count: number): Promise<Node[]> {
  const nodes: Node[] = [];
  const sessions = new Map<NodeId, ClientHttp2Session>();
  const request =
    (from: NodeId) =>
    async (to: NodeId, wanted: PeerRequest): Promise<PeerResponse> => {
      const session = sessions.get(to);
      if (session === undefined || nodes.find(({ id }) => id === to)?.isGone !== false) throw new PeerUnreachable(to, 'gone');
      const stream = session.request({ ':method': wanted.method, ':path': wanted.path, from, ...wanted.headers });
      wanted.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
      return new Promise((resolve, reject) => {
        stream.on('error', reject);
        stream.on('response', (headers) => resolve({ status: Number(headers[':status']), headers, body: stream }));
      });
    };
  const members = (): readonly Member[] => nodes.map(({ id, isGone, arch }) => ({ id, arch, state: isGone ? 'dead' : 'alive' }) as Member);
  for (let n = 1; n <= count; n++) {
    const id = nodeId(String(n).repeat(32));
    const images = openImages();
    const exchange = new NodeImageExchange({
      images,
      self: () => id,
      members,
      request: request(id),
      nowMs: () => performance.now() * FASTER,
    });
    const node: Node = { id, images, exchange, asked: [], isLying: false, isGone: false, arch: 'amd64' };
    const server = createServer((incoming, response) => {
      const { url, method } = incoming;
      node.asked.push(`${method} ${url}`);
      if (url.startsWith(EXCHANGE_PATH)) return exchange.serve(incoming.headers['from'] as NodeId, url, response);
      const blobs = node.isLying ? { ...exchange.blobs, images: lying(images) } : exchange.blobs;
      return void serveBlob(blobs, url.slice(BLOBS_PATH.length), incoming, response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    session.on('error', () => undefined);
    sessions.set(id, session);
    onTestFinished(() => {
      session.destroy();
      server.close();
    });
    nodes.push(node);
  }
  return nodes;
}

/** As many bytes, but others. */
function lying(images: OciImages): Pick<OciImages, 'openBlob'> {
  return {
    openBlob: async (digest, fromByte) => {
      const blob = await images.openBlob(digest, fromByte);
      const spoil = new Transform({
        transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.from(chunk.map((byte) => byte ^ 1))),
      });
      return blob && { sizeBytes: blob.sizeBytes, stream: pipeline(blob.stream, spoil, () => undefined) };
    },
  };
}

const registryWith = (tags = { latest: image.manifestDigest }): Promise<FakeRegistry> => fakeRegistry(image.blobs, tags);
const blobsAsked = ({ asked }: FakeRegistry): readonly string[] => asked.filter((path) => path.includes('/sha256:'));
const isThere = async ({ images }: Node): Promise<boolean> => (await images.inspect(image.manifestDigest)) !== undefined;
const specOf = (reference: string) => ({ image: { reference, digest: image.manifestDigest } });

/** As the node does that is given a container. */
async function fetchFor(node: Node, reference: string, buyer: Node | undefined): Promise<void> {
  const spec = specOf(reference);
  await node.images.fetch(spec.image, node.exchange.sourcesFor(CONTAINER, spec, buyer?.id), never);
}

function runOf(reference: string, container: ContainerId = CONTAINER): Command {
  return { kind: 'run', request: { containerId: container, spec: JSON.stringify(specOf(reference)) }, exclude: [] } as unknown as Command;
}

/** Lets in who says the right words only. */
function closed(registry: FakeRegistry): void {
  registry.intercept = (request, response) => {
    if (request.headers.authorization === BASIC) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    return true;
  };
}

describe('images between nodes', () => {
  it('come over a thin uplink once, however many nodes pull at once', async () => {
    const nodes = await nodesOf(4);
    const registry = await registryWith();
    await Promise.all(nodes.map(({ exchange }) => exchange.pull(`${registry.domain}/x:latest`, pullOptions())));
    for (const node of nodes) expect(await isThere(node)).toBe(true);
    const asked = blobsAsked(registry);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked).toEqual([...new Set(asked)]);
  });

  it('come from the node that has them, and the registry hears nothing of it', async () => {
    const [one, two] = (await nodesOf(3)) as [Node, Node, Node];
    const registry = await registryWith();
    const reference = `${registry.domain}/x:latest`;
    await one.exchange.pull(reference, pullOptions());
    const before = registry.asked.length;
    await fetchFor(two, reference, one);
    expect(await isThere(two)).toBe(true);
    expect(registry.asked.slice(before)).toEqual([]);
  });

  it('can be brought on request, and have no name where they had none', async () => {
    const [one, two] = (await nodesOf(2)) as [Node, Node];
    const registry = await registryWith();
    await one.exchange.pull(`${registry.domain}/x:latest`, pullOptions());
    const digest = image.manifestDigest;
    await two.exchange.bring({ reference: digest, digest }, never);
    expect(await two.images.inspect(digest)).toMatchObject({ references: [] });
    await two.exchange.bring({ reference: `${registry.domain}/x:latest`, digest }, never);
    expect(await two.images.inspect(digest)).toMatchObject({ references: [`${registry.domain}/x:latest`] });
  });

  it('come from another where a peer gives something else, and that peer is asked no more', async () => {
    const [one, two, three] = (await nodesOf(3)) as [Node, Node, Node];
    const registry = await registryWith();
    const reference = `${registry.domain}/x:latest`;
    for (const node of [one, two]) await node.exchange.pull(reference, pullOptions());
    registry.intercept = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    one.asked.length = 0;
    one.isLying = true;
    await fetchFor(three, reference, one);
    expect(await isThere(three)).toBe(true);
    expect(one.asked.filter((each) => each.startsWith(`GET ${BLOBS_PATH}`))).toHaveLength(1);
  });

  it('come from the registry where the node whose errand it was does not get them', async () => {
    const [one, two] = (await nodesOf(2)) as [Node, Node];
    const registry = await registryWith();
    const reference = `${registry.domain}/x:latest`;
    closed(registry);
    // Without the words nobody lets the first one in; the second has them, and does not wait for long.
    const results = await Promise.allSettled([
      one.exchange.pull(reference, { ...pullOptions(), credentials: { username: 'me', password: 'wrong' } }),
      two.exchange.pull(reference, { ...pullOptions(), credentials: ME }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('an image that this node can’t run', () => {
  it('is had for the nodes that can, and refused where there are none', async () => {
    const [one, two] = (await nodesOf(2)) as [Node, Node];
    const other = makeImage(fixtureTar([{ name: 'arch', content: 'arm64' }]), { architecture: 'arm64' });
    const registry = await fakeRegistry(other.blobs, { latest: other.manifestDigest });
    const reference = `${registry.domain}/x:latest`;
    await expect(one.exchange.pull(reference, pullOptions())).rejects.toMatchObject({ code: 'no-platform' });
    two.arch = 'arm64';
    expect(await one.exchange.pull(reference, pullOptions())).toMatchObject({ architecture: 'arm64', references: [reference] });
    const platform = { os: 'linux', architecture: 'amd64', variant: '' };
    await expect(one.exchange.pull(reference, { ...pullOptions(), platform })).rejects.toMatchObject({ code: 'no-platform' });
  });
});

describe('credentials', () => {
  it('are lent to the node that is given a container, while its run is under way, and to nobody later', async () => {
    const [one, two, three] = (await nodesOf(3)) as [Node, Node, Node];
    const registry = await registryWith();
    const reference = `${registry.domain}/x:latest`;
    closed(registry);
    await one.exchange.pull(reference, { ...pullOptions(), credentials: ME });
    await one.images.remove(reference, true);
    await one.exchange.during(runOf(reference), () => fetchFor(two, reference, one));
    expect(await isThere(two)).toBe(true);
    expect(one.asked.filter((each) => each.includes('credentials'))).toHaveLength(1);

    await two.images.remove(reference, true);
    await expect(fetchFor(three, reference, one)).rejects.toMatchObject({ code: 'denied' });
    await expect(
      one.exchange.during(runOf(reference, containerId('cd'.repeat(32))), () => fetchFor(three, reference, one)),
    ).rejects.toMatchObject({
      code: 'denied',
    });
  });

  it('are not asked for where a peer has the image', async () => {
    const [one, two] = (await nodesOf(2)) as [Node, Node];
    const registry = await registryWith();
    const reference = `${registry.domain}/x:latest`;
    closed(registry);
    await one.exchange.pull(reference, { ...pullOptions(), credentials: ME });
    await one.exchange.during(runOf(reference), () => fetchFor(two, reference, one));
    expect(one.asked.filter((each) => each.includes('credentials'))).toEqual([]);
  });

  it('serve this node’s own containers', async () => {
    const [one] = (await nodesOf(1)) as [Node];
    const registry = await registryWith();
    const reference = `${registry.domain}/x:latest`;
    closed(registry);
    await one.exchange.pull(reference, { ...pullOptions(), credentials: ME });
    await one.images.remove(reference, true);
    await one.exchange.during(runOf(reference), () => fetchFor(one, reference, one));
    expect(await isThere(one)).toBe(true);
  });

  it('are not given for what is no container, nor errands for what is no digest', async () => {
    const [one] = (await nodesOf(1)) as [Node];
    const answers: number[] = [];
    const response = { writeHead: (status: number) => answers.push(status), end: () => undefined };
    const digest = `sha256:${createHash('sha256').update('').digest('hex')}`;
    for (const path of ['credentials/x', `credentials/${CONTAINER}`, 'errands/x', `errands/${digest}?not=x`, '']) {
      one.exchange.serve(one.id, `${EXCHANGE_PATH}${path}`, response as unknown as Parameters<NodeImageExchange['serve']>[2]);
    }
    expect(answers).toEqual([404, 404, 404, 404, 404]);
  });
});
