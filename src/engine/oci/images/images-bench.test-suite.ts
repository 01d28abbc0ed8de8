/** What the tests of this folder share: stores in a temporary directory, and two registries. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type ImageParts, makeImage, MANIFEST_TYPE } from '../../../../scripts/make-image.ts';
import type { BlobSource, PullOptions, PullProgress } from '../../port.ts';
import { OciImages, type OciImagesOptions } from './oci-images.ts';
import { type FixtureEntry, fixtureTar } from './unpack/tar-fixture.ts';

const AMD64 = { os: 'linux', architecture: 'amd64', variant: '' };
export const never = new AbortController().signal;

const QUICK = { retryMs: 5 };

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-images-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

export function openImages(options: Partial<OciImagesOptions> = {}): OciImages {
  const patience = { greetingMs: 2_000, idleMs: 2_000, attempts: 3, backoffMs: 5, retryAfterMs: 1_000, answerMs: 2_000 };
  return new OciImages({
    dataDir: temporaryDir(),
    insecureRegistries: () => [],
    platform: AMD64,
    log: () => undefined,
    certificatesDir: '/nowhere',
    limits: QUICK,
    patience,
    ...options,
    ...(options.limits && { limits: { ...QUICK, ...options.limits } }),
  });
}

/** A small image of this one layer. */
export function imageOf(entries: readonly FixtureEntry[], config: Readonly<Record<string, unknown>> = {}): ImageParts {
  return makeImage(fixtureTar(entries), { architecture: 'amd64', config });
}

/** Every blob, layer and unfinished file in a store; images.json aside. */
export function leftIn(dataDir: string): string[] {
  return ['blobs/sha256', 'blobs/ingest', 'blobs/partial', 'layers'].flatMap((dir) => readdirSync(join(dataDir, dir)));
}

export function pullOptions(signal: AbortSignal = never, progress: PullProgress[] = []): PullOptions {
  return { credentials: undefined, signal, onProgress: (each) => void progress.push(each) };
}

/** An in-memory peer. */
export function sourceOf(name: string, blobs: ReadonlyMap<string, Buffer>, toStream: (content: Buffer) => Readable): BlobSource {
  return {
    name,
    open: async (digest) => {
      const content = blobs.get(digest);
      return content && { sizeBytes: content.length, stream: toStream(content) };
    },
  };
}

export interface FakeRegistry {
  /** `127.0.0.1:PORT`. */
  readonly domain: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  /** Answers itself, or leaves the request to the registry by returning false. */
  intercept: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
}

/** A registry that serves what it is told, and lies where a test wants it to. */
export async function fakeRegistry(blobs: ReadonlyMap<string, Buffer>, tags: Readonly<Record<string, string>>): Promise<FakeRegistry> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    if (registry.intercept(request, response)) return;
    const [, kind, name = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
    const content = blobs.get(kind === 'manifests' ? (tags[name] ?? name) : name);
    if (content === undefined) {
      response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
      return;
    }
    response.writeHead(200, kind === 'manifests' ? { 'content-type': MANIFEST_TYPE } : { 'content-length': content.length }).end(content);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const registry: FakeRegistry = { domain: `127.0.0.1:${port}`, asked, intercept: () => false };
  return registry;
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error('it did not happen within ten seconds');
}
