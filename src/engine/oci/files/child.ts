/**
 * Looks at, or writes, files of one container: one process a time, short-lived. It loads all it needs, locks itself
 * into the container's files, and only then opens the first. Nothing may be loaded after that: what it would find is
 * the container's. Paths are opened by synchronous calls only, as the jail holds the main thread alone; that way it
 * also reads no faster than its output is taken.
 */
import { accessSync, chmodSync, closeSync, constants, fstatSync, lchownSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { assertNever } from '../../../lib/assert.ts';
import { dieWithParent } from '../../../linux/parent-death.ts';
import { hasCode } from '../../../linux/system-error.ts';
import { EngineError, FileError } from '../../port.ts';
import { userFrom } from '../container-user.ts';
import { TarError } from '../images/unpack/tar-header.ts';
import { TarReader } from '../images/unpack/tar-reader.ts';
import { ArchiveWriter, type Owner } from './archive-writer.ts';
import { bytesOf, evaluate, pathOf, sourcePath, statOf, targetPath, textOf } from './container-path.ts';
import { findChanges } from './find-changes.ts';
import { GatheredOutput } from './gathered-output.ts';
import { enterJail } from './jail.ts';
import { pathStat } from './path-stat.ts';
import { type FilesOrder, type FilesReport, type FilesTask, REPORT_FD } from './protocol.ts';
import { TreeArchiver, type TreeArchiverOptions } from './tree-archiver.ts';

const INPUT_FD = 0;
const OUTPUT_FD = 1;
const CHUNK_BYTES = 256 * 1024;
const CHANGES_PER_REPORT = 1_000;
/** A passwd or group file beyond this is not read. */
const PASSWD_BYTES = 4 * 1024 * 1024;
const READ_ONLY = 'container rootfs is marked read-only, or the mounted volume is';

async function main(): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? '') as FilesOrder;
  dieWithParent(order.parent);
  process.umask(0);
  enterJail(order.jail);
  await perform(order.task);
  say({ kind: 'done' });
  process.exit(0);
}

async function perform(task: FilesTask): Promise<void> {
  switch (task.kind) {
    case 'stat':
      look(task.path);
      return;
    case 'read':
      return read(task.path);
    case 'write':
      return write(task);
    case 'export':
      return archive({}, (archiver) => archiver.addContent('/', ''));
    case 'layer':
      return archive({ layer: true, runtimeMade: task.runtimeMade }, (archiver) => archiver.addContent('/', ''));
    case 'changes': {
      const changes = findChanges('/upper', '/image', task.runtimeMade);
      for (let at = 0; at < changes.length; at += CHANGES_PER_REPORT) {
        say({ kind: 'changes', changes: changes.slice(at, at + CHANGES_PER_REPORT) });
      }
      return;
    }
    case 'fill':
      return task.copies.forEach(fill);
    default:
      return assertNever(task);
  }
}

function look(text: string): ReturnType<typeof sourcePath> {
  const named = sourcePath(text);
  const stat = statOf(named.path);
  if (stat === undefined) throw missing(text, named.path);
  say({ kind: 'stat', stat: pathStat(named, stat) });
  return named;
}

function read(text: string): void {
  const { path, name } = look(text);
  archive({}, (archiver) => archiver.add(path, name), true);
}

async function write({ path: text, options, user }: FilesTask & { kind: 'write' }): Promise<void> {
  const dir = targetPath(text);
  const stat = statOf(dir);
  if (stat === undefined) throw missing(text, dir);
  if (!stat.isDirectory()) throw new FileError('not-a-directory', 'extraction point is not a directory');
  accessSync(bytesOf(dir), constants.W_OK);
  const owner = options.copyUidGid && user !== '' ? ownerFrom(user) : undefined;
  const writer = new ArchiveWriter(textOf(dir), options, owner);
  const reader = new TarReader(writer);
  for await (const chunk of await input()) reader.write(chunk as Buffer);
  reader.end();
  writer.finish();
}

/** Copies what the image has there into a volume, by way of a tar. @throws EngineError where that is the volume, too */
function fill({ from, to }: { readonly from: string; readonly to: string }): void {
  const dir = evaluate(pathOf(from));
  if (dir === '/') {
    const words = `invalid specification: destination can't be '/', and in the image ${from} leads there`;
    throw new EngineError('engine-failed', `invalid mount config for type "volume": ${words}`);
  }
  const stat = statOf(dir);
  if (stat?.isDirectory() !== true) return;
  const writer = new ArchiveWriter(to, { noOverwriteDirNonDir: false }, undefined);
  const reader = new TarReader(writer);
  const archiver = new TreeArchiver((bytes) => reader.write(bytes));
  archiver.addContent(dir, '');
  archiver.end();
  reader.end();
  writer.finish();
  lchownSync(to, stat.uid, stat.gid);
  chmodSync(to, stat.mode & 0o7777);
}

/** @param announced something was said already */
function archive(options: TreeArchiverOptions, content: (archiver: TreeArchiver) => void, announced = false): void {
  if (!announced) say({ kind: 'begun' });
  const output = new GatheredOutput(writeAll, CHUNK_BYTES);
  const archiver = new TreeArchiver((bytes) => output.write(bytes), options);
  content(archiver);
  archiver.end();
  output.flush();
  closeSync(OUTPUT_FD);
}

function writeAll(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(OUTPUT_FD, bytes, at);
}

/** The archive by what it is: gzip (RFC 1952), zstd (RFC 8878), else plain. */
async function input(): Promise<Readable> {
  const source = new Socket({ fd: INPUT_FD, readable: true, writable: false });
  const start = await firstBytes(source, 4);
  const gzip = start.length > 1 && start.readUInt16BE(0) === 0x1f8b;
  const zstd = start.length > 3 && start.readUInt32LE(0) === 0xfd2fb528;
  const decoder = gzip
    ? createGunzip({ chunkSize: CHUNK_BYTES })
    : zstd
      ? createZstdDecompress({ chunkSize: CHUNK_BYTES })
      : new PassThrough({ highWaterMark: CHUNK_BYTES });
  decoder.write(start);
  source.on('error', (error) => decoder.destroy(error));
  return source.pipe(decoder);
}

/** At least so many, unless there are fewer. */
async function firstBytes(source: Socket, least: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    if (chunks.reduce((sum, { length }) => sum + length, 0) < least) return;
    source.pause();
    resolve();
  };
  source.on('data', onData).once('end', resolve).once('error', reject);
  await promise;
  source.off('data', onData).off('end', resolve).off('error', reject);
  return Buffer.concat(chunks);
}

/** In the container's own /etc/passwd and /etc/group, which may be anything. */
function ownerFrom(user: string): Owner {
  return userFrom(user, fileText('/etc/passwd'), fileText('/etc/group'));
}

function fileText(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return '';
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= PASSWD_BYTES ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}

/** A path that ends in a slash but leads to a file is there, and yet not what was asked for. */
function missing(text: string, path: string): FileError {
  if (path.endsWith('/') && statOf(path.slice(0, -1)) !== undefined) return new FileError('not-a-directory', `${text} is not a directory`);
  return new FileError('no-such-path', `Could not find the file ${text}`);
}

function say(report: FilesReport): void {
  const bytes = Buffer.from(`${JSON.stringify(report)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(REPORT_FD, bytes, at);
}

function failure(error: unknown): FilesReport {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FileError) return { kind: 'failed', code: error.code, message };
  if (error instanceof EngineError) return { kind: 'failed', code: 'failed', message };
  if (hasCode(error, 'EROFS')) return { kind: 'failed', code: 'read-only', message: READ_ONLY };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const damaged = error instanceof TarError || /^(Z_|ZSTD_|ERR_)/.test(code);
  if (damaged) return { kind: 'failed', code: 'bad-archive', message: `the archive can't be unpacked: ${message}` };
  if (code === 'ENOTDIR' || code === 'EISDIR' || code === 'EEXIST') return { kind: 'failed', code: 'conflict', message };
  return { kind: 'failed', code: 'failed', message };
}

try {
  await main();
} catch (error) {
  say(failure(error));
  process.exit(1);
}
