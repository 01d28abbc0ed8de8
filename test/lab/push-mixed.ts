/**
 * Pushes one tag for two architectures: an index of two images, each of which says in /etc/architecture what it is made
 * for. Its programs are this machine's.
 *
 *   node test/lab/push-mixed.ts http://HOST:PORT/NAME:TAG
 */
import { makeBusyboxImage, MANIFEST_TYPE, pushImage } from '../../scripts/make-image.ts';
import { pushManifest } from '../../scripts/push-image.ts';

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

const target = new URL(process.argv[2] ?? '');
const [name = '', tag = ''] = target.pathname.slice(1).split(':');
const manifests = await Promise.all(
  ['amd64', 'arm64'].map(async (architecture) => {
    const image = await makeBusyboxImage({ architecture }, [{ name: 'etc/architecture', mode: 0o644, content: `${architecture}\n` }]);
    await pushImage(image, new URL(`/${name}:${architecture}`, target).href);
    const size = image.blobs.get(image.manifestDigest)?.length;
    return { mediaType: MANIFEST_TYPE, digest: image.manifestDigest, size, platform: { os: 'linux', architecture } };
  }),
);
const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
await pushManifest(target, name, tag, index, INDEX_TYPE);
