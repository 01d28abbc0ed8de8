import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';
import { type FileChange, FileError, type PathStat, type WriteArchiveOptions } from '../files-port.ts';

interface Node {
  readonly type: 'file' | 'directory' | 'symlink';
  readonly content: Buffer;
  readonly linkTarget: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedAtMs: number;
}

/** Go's os.ModeDir and os.ModeSymlink. */
const KIND_BITS = { file: 0, directory: 2 ** 31, symlink: 2 ** 27 } as const;
const IMAGE_DIRS = ['/', '/bin', '/etc', '/tmp', '/root'];

/** One fake container's files, by absolute path. Its processes neither see nor change them; links are followed at a path's end only. */
export class FakeFiles {
  readonly #nodes = new Map<string, Node>();
  readonly #image: ReadonlyMap<string, Node>;

  /** @param workingDir made where the image has it not */
  constructor(workingDir = '/') {
    for (const path of IMAGE_DIRS) this.#nodes.set(path, made('directory', {}));
    this.#nodes.set('/etc/passwd', made('file', { content: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') }));
    for (const name of ['hosts', 'hostname', 'resolv.conf']) this.#nodes.set(`/etc/${name}`, made('file', {}));
    this.#image = new Map(this.#nodes);
    const parts = normalised(workingDir).split('/').slice(1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = `/${parts.slice(0, depth).join('/')}`;
      if (!this.#nodes.has(path)) this.#nodes.set(path, made('directory', {}));
    }
  }

  stat(path: string): PathStat {
    const [at, node] = this.#find(path, false);
    return {
      name: at === '/' ? '/' : at.slice(at.lastIndexOf('/') + 1),
      sizeBytes: node.content.length,
      mode: KIND_BITS[node.type] + node.mode,
      modifiedAtMs: node.modifiedAtMs,
      linkTarget: node.linkTarget,
    };
  }

  read(path: string): { readonly stat: PathStat; readonly stream: Readable } {
    const stat = this.stat(path);
    const [from] = this.#find(path, false);
    const inside = [...this.#nodes].filter(([each]) => each === from || each.startsWith(from === '/' ? '/' : `${from}/`));
    const root = from === '/' ? '' : stat.name;
    return { stat, stream: tarOf(inside.map(([each, node]) => [root + each.slice(from === '/' ? 0 : from.length), node])) };
  }

  /** @throws FileError */
  async write(path: string, archive: Readable, options: WriteArchiveOptions): Promise<void> {
    const [into, dir] = this.#find(path, true);
    if (dir.type !== 'directory') throw new FileError('not-a-directory', `${path} is no directory: nothing can be unpacked there`);
    const entries: [string, Node][] = [];
    try {
      for await (const entry of unpacked(await buffer(archive)).pipe(extract())) {
        entries.push([normalised(`${into}/${entry.header.name}`), fromHeader(entry.header, await buffer(entry), options)]);
      }
    } catch (error) {
      throw new FileError('bad-archive', `can't read the archive: ${String(error)}`);
    }
    for (const [at, node] of entries) {
      const there = this.#nodes.get(at);
      if (options.noOverwriteDirNonDir && there !== undefined && (there.type === 'directory') !== (node.type === 'directory')) {
        throw new FileError('conflict', `${at} is ${there.type === 'directory' ? 'a directory' : 'no directory'}: it would be overwritten`);
      }
      this.#nodes.set(at, node);
    }
  }

  exportRoot(): Readable {
    return tarOf([...this.#nodes].filter(([path]) => path !== '/').map(([path, node]) => [path.slice(1), node]));
  }

  exportLayer(): Readable {
    return tarOf(
      this.changes().map(({ path, kind }) => {
        const slash = path.lastIndexOf('/');
        if (kind === 'deleted') return [`${path.slice(1, slash + 1)}.wh.${path.slice(slash + 1)}`, made('file', {})];
        return [path.slice(1), this.#nodes.get(path) ?? made('file', {})];
      }),
    );
  }

  changes(): FileChange[] {
    const changed = [...this.#nodes].flatMap(([path, node]): FileChange[] => {
      const before = this.#image.get(path);
      return before === node ? [] : [{ path, kind: before === undefined ? 'added' : 'modified' }];
    });
    const deleted = [...this.#image.keys()].filter((path) => !this.#nodes.has(path));
    return [...changed, ...deleted.map((path): FileChange => ({ path, kind: 'deleted' }))].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  sizes(): { readonly writtenBytes: number; readonly rootBytes: number } {
    const bytes = (nodes: Iterable<Node>): number => [...nodes].reduce((sum, node) => sum + node.content.length, 0);
    const written = this.changes().flatMap(({ path }) => this.#nodes.get(path) ?? []);
    return { writtenBytes: bytes(written), rootBytes: bytes(this.#nodes.values()) };
  }

  #find(path: string, follow: boolean): [string, Node] {
    let at = normalised(path);
    for (let hops = 0; hops < 40; hops++) {
      const node = this.#nodes.get(at);
      if (node === undefined) break;
      if (!follow || node.type !== 'symlink') return [at, node];
      at = normalised(node.linkTarget.startsWith('/') ? node.linkTarget : `${at}/../${node.linkTarget}`);
    }
    throw new FileError('no-such-path', `there is no ${path} in the container`);
  }
}

/** Absolute, without `.`, `..` and a slash at its end; `..` stops at the root. */
function normalised(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function made(type: Node['type'], change: Partial<Node>): Node {
  const mode = type === 'directory' ? 0o755 : 0o644;
  return { type, content: Buffer.alloc(0), linkTarget: '', mode, uid: 0, gid: 0, modifiedAtMs: 0, ...change };
}

function fromHeader({ type, mode, uid, gid, mtime, linkname }: Header, content: Buffer, { copyUidGid }: WriteArchiveOptions): Node {
  const kind = type === 'directory' || type === 'symlink' ? type : 'file';
  const owner = copyUidGid ? { uid: uid ?? 0, gid: gid ?? 0 } : {};
  return made(kind, {
    content,
    linkTarget: linkname ?? '',
    ...owner,
    ...(mode === undefined ? {} : { mode }),
    modifiedAtMs: mtime?.getTime() ?? 0,
  });
}

function unpacked(data: Buffer): Readable {
  const stream = Readable.from([data]);
  if (data[0] === 0x1f && data[1] === 0x8b) return stream.pipe(createGunzip());
  return data.readUInt32LE(0) === 0xfd2fb528 ? stream.pipe(createZstdDecompress()) : stream;
}

function tarOf(entries: readonly (readonly [string, Node])[]): Readable {
  const tar = pack();
  for (const [name, { type, content, linkTarget, mode, uid, gid, modifiedAtMs }] of entries) {
    const header = { name: type === 'directory' ? `${name}/` : name, type, mode, uid, gid, mtime: new Date(modifiedAtMs) };
    if (type === 'symlink') tar.entry({ ...header, linkname: linkTarget });
    else tar.entry(header, content);
  }
  tar.finalize();
  return tar.pipe(new PassThrough());
}
