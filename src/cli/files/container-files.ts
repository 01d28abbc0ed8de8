import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import { GO_FILE_MODE, PATH_STAT_HEADER, type PathStatHeader } from '../../docker-api/types.ts';
import { Failure } from '../failure.ts';
import { containerPath } from '../paths.ts';

export interface RemoteStat {
  readonly isDirectory: boolean;
  /** Where a symbolic link leads, absolute in the container; undefined: it is none. */
  readonly linkTarget: string | undefined;
}

/** The files of one container, as `cp` needs them. */
export class ContainerFiles {
  readonly #client: Client;
  readonly #path: string;
  readonly #name: string;

  constructor(client: Client, container: string) {
    this.#client = client;
    this.#name = container;
    this.#path = containerPath(container, '/archive');
  }

  /** undefined: there is none. @throws ApiError where the container is the one that isn't there */
  async stat(path: string): Promise<RemoteStat | undefined> {
    try {
      const answer = await this.#client.stream('HEAD', this.#path, { query: { path } });
      answer.resume();
      return this.#statOf(answer.headers, path);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      // The answer to HEAD has no words, and either may be meant.
      await this.#client.json('GET', containerPath(this.#name, '/json'));
      return undefined;
    }
  }

  async read(path: string, signal: AbortSignal): Promise<{ readonly stat: RemoteStat; readonly archive: IncomingMessage }> {
    const archive = await this.#client.stream('GET', this.#path, { query: { path }, signal });
    return { stat: this.#statOf(archive.headers, path), archive };
  }

  /** Unpacks an archive in a directory. */
  async write(directory: string, archive: Readable, keepOwners: boolean): Promise<void> {
    await this.#client.json('PUT', this.#path, {
      query: { path: directory, noOverwriteDirNonDir: true, copyUIDGID: keepOwners || undefined },
      body: archive,
      headers: { 'content-type': 'application/x-tar' },
    });
  }

  #statOf(headers: IncomingHttpHeaders, path: string): RemoteStat {
    const header = headers[PATH_STAT_HEADER.toLowerCase()];
    try {
      const { mode, linkTarget } = JSON.parse(Buffer.from(String(header), 'base64').toString('utf8')) as Partial<PathStatHeader>;
      if (typeof mode !== 'number') throw new TypeError('no mode');
      const has = (bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
      const isLink = has(GO_FILE_MODE.symlink) && typeof linkTarget === 'string' && linkTarget !== '';
      return {
        isDirectory: has(GO_FILE_MODE.directory),
        linkTarget: isLink ? posix.resolve(posix.dirname(path), linkTarget) : undefined,
      };
    } catch {
      throw new Failure(`the daemon did not say what ${this.#name}:${path} is: the header ${PATH_STAT_HEADER} can't be read`);
    }
  }
}
