/**
 * Pushes an image of so many megabytes, unpacked: five gzip layers of files of all sizes, a third of whose bytes don't
 * compress. The same size gives the same bytes.
 *
 *   node bench/lib/push-big-image.ts http://HOST:PORT/NAME:TAG MEGABYTES
 *
 * Prints what it is as JSON: bytes unpacked and as pushed, files.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { makeBusyboxImage, MANIFEST_TYPE, packTar, sha256, type TarEntry } from '../../scripts/make-image.ts';
import { pushBlobs } from '../../scripts/push-image.ts';

const LAYERS = 5;
/** Of files, in turn: most are small, most bytes are in large ones. */
const SIZES = [700, 2_000, 9_000, 700, 30_000, 4_000, 120_000, 700, 900_000, 12_000];
/** As `gzip` and most builders do. */
const LEVEL = 6;
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';

const [url = '', megabytes = ''] = process.argv.slice(2);
const target = new URL(url);
const bytesPerLayer = (Number(megabytes) * 1_000_000) / LAYERS;

const base = await makeBusyboxImage();
const blobs = new Map<string, Buffer>();
const layers: { readonly digest: string; readonly size: number }[] = [];
const diffIds: string[] = [];
let unpacked = 0;
let files = 0;
const add = (tar: Buffer): void => {
  const blob = gzipSync(tar, { level: LEVEL });
  blobs.set(sha256(blob), blob);
  layers.push({ digest: sha256(blob), size: blob.length });
  diffIds.push(sha256(tar));
};
add(base.layerTar);
for (let layer = 0; layer < LAYERS; layer++) add(await packTar(entriesOf(layer)));
const config = Buffer.from(
  JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  }),
);
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: sha256(config), size: config.length },
    layers: layers.map((each) => ({ mediaType: LAYER_TYPE, ...each })),
  }),
);
blobs.set(sha256(config), config).set(sha256(manifest), manifest);
await pushBlobs(target, blobs, sha256(manifest), MANIFEST_TYPE);
console.log(JSON.stringify({ unpacked, pushed: layers.reduce((sum, { size }) => sum + size, 0), files }));

function entriesOf(layer: number): TarEntry[] {
  const entries: TarEntry[] = [];
  for (let left = bytesPerLayer, n = 0; left > 0; n++) {
    const size = Math.min(left, SIZES[n % SIZES.length] ?? 700);
    entries.push({ name: `srv/${layer}/${Math.floor(n / 100)}/${n}`, mode: 0o644, content: contentOf(`${layer}.${n}`, size) });
    left -= size;
    unpacked += size;
    files++;
  }
  return entries;
}

/** Bytes that look like a program's or a text's: a third is noise, the rest repeats what is near. */
function contentOf(seed: string, size: number): Buffer {
  const content = Buffer.alloc(size);
  const key = createHash('sha256').update(seed).digest();
  let state = key.readUInt32BE(0);
  for (let at = 0; at < size; at += 48) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // 16 bytes that are like no others, 32 that were there before.
    content.writeUInt32BE(state, Math.min(at, Math.max(0, size - 4)));
    for (let i = 4; i < 16 && at + i < size; i++)
      content[at + i] = (state >>> (i & 24)) ^ (key[(at + i) & 31] ?? 0) ^ (Math.imul(state, i) >>> 13);
    for (let i = 16; i < 48 && at + i < size; i++) content[at + i] = (key[i & 31] ?? 0) ^ ((at >>> 12) & 255);
  }
  return content;
}
