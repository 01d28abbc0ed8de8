/** What the tests of commands share: a daemon that answers from a table, and a terminal that remembers. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Installation } from './context.ts';
import type { Io } from './io.ts';
import { main } from './main.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface Asked {
  readonly method: string;
  /** Without the version prefix. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
}

type Route = (asked: Asked, response: ServerResponse) => unknown;

/** Routes are `METHOD /path`. What one returns is sent as JSON, unless it has ended the response itself. */
export class FakeDaemon {
  readonly directory = mkdtempSync(join(tmpdir(), 'caravela-cli-'));
  readonly socket = join(this.directory, 'caravela.sock');
  readonly asked: Asked[] = [];
  readonly routes = new Map<string, Route>();
  /** Answers to hijacked connections: gets the raw socket, after 101. */
  readonly upgrades = new Map<string, (socket: Socket) => void>();
  /** The server forgets connections that were upgraded. */
  readonly #hijacked = new Set<Socket>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => void this.#upgrade(request, socket, head));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
    return this;
  }

  on(route: string, answer: unknown): this {
    this.routes.set(route, typeof answer === 'function' ? (answer as Route) : () => answer);
    return this;
  }

  /** Paths asked so far, with their method. */
  get lines(): string[] {
    return this.asked.map((a) => `${a.method} ${a.path}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    for (const socket of this.#hijacked) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The body of an exec's start comes before the process's input, on the same connection. */
  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    this.#hijacked.add(socket);
    socket.on('error', () => socket.destroy());
    const length = Number(request.headers['content-length'] ?? 0);
    let taken = head;
    while (taken.length < length) taken = Buffer.concat([taken, ...((await once(socket, 'data')) as Buffer[])]);
    if (taken.length > length) socket.unshift(taken.subarray(length));
    const asked = describe(request, taken.subarray(0, length).toString());
    this.asked.push(asked);
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    this.upgrades.get(asked.path)?.(socket);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const asked = describe(request, Buffer.concat(chunks).toString());
    this.asked.push(asked);
    const route = this.routes.get(`${asked.method} ${asked.path}`);
    if (route === undefined) return refuse(response, 404, `no such thing: ${asked.path}`);
    const answer = await route(asked, response);
    if (response.writableEnded || answer === HELD) return;
    if (answer === undefined) response.writeHead(204).end();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }
}

/** Returned by a route that answers later. */
export const HELD = Symbol('held');

export function refuse(response: ServerResponse, status: number, message: string, more: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message, ...more }));
}

function describe(request: IncomingMessage, body: string): Asked {
  const url = new URL(request.url ?? '', 'http://fake');
  const path = decodeURIComponent(url.pathname.replace(/^\/v1\.\d+/, ''));
  return { method: request.method ?? '', path, query: Object.fromEntries(url.searchParams), body };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly installation?: Partial<Installation>;
  readonly tty?: boolean;
  readonly stdin?: string | Readable;
  readonly terminal?: Terminal;
  /** Given the way to send a signal to the command. */
  readonly signals?: (send: (signal: NodeJS.Signals) => void) => void;
}

/** Runs one command line in this process. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [out, err] = [new Recorder(), new Recorder()];
  const tty = options.tty ?? false;
  const io: Io = {
    stdin: options.stdin instanceof Readable ? options.stdin : Readable.from([options.stdin ?? '']),
    stdout: out,
    stderr: err,
    stdinIsTty: tty,
    stdoutIsTty: tty,
    stderrIsTty: tty,
    terminal: options.terminal ?? NO_TERMINAL,
    // Whoever runs the tests may be logged in somewhere.
    env: { DOCKER_CONFIG: '/nonexistent', ...options.env },
    onSignals(_signals, listener) {
      options.signals?.(listener);
      return () => {};
    },
  };
  const installation: Installation = {
    version: '1.2.3',
    node: process.execPath,
    daemonEntry: '/nonexistent',
    systemd: false,
    ...options.installation,
  };
  const code = await main(argv, io, installation);
  return { code, out: out.text, err: err.text };
}

/** A terminal of 30 × 100 that remembers. */
export class FakeTerminal implements Terminal {
  readonly raw: boolean[] = [];
  current = { rows: 30, columns: 100 };
  readonly listeners = new Set<() => void>();

  setRaw(on: boolean): void {
    this.raw.push(on);
  }
  size() {
    return this.current;
  }
  onResize(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

const NO_TERMINAL: Terminal = { setRaw: () => undefined, size: () => undefined, onResize: () => () => undefined };

class Recorder extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
