import { Agent, type IncomingMessage, request } from 'node:http';

/**
 * etcd's JSON gateway on the unix socket of this node's member. A socket in a directory of root's needs no
 * certificates, takes no port and is there whatever network namespace or address the member has.
 */
export class Gateway {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  readonly #streams = new Set<() => void>();

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** @throws GatewayError */
  post(path: string, body: object, timeoutMs: number): Promise<Fields> {
    return new Promise((resolve, reject) => {
      const data = JSON.stringify(body);
      const call = request({
        socketPath: this.#socketPath,
        path,
        method: 'POST',
        agent: this.#agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(data) },
      });
      const timer = setTimeout(() => call.destroy(new GatewayError(`no answer within ${timeoutMs} ms`, 'unknown')), timeoutMs);
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(error instanceof GatewayError ? error : fromSocket(error));
      };
      call.on('error', fail);
      call.on('response', (response) => {
        response.on('error', fail);
        readText(response)
          .then((text) => judge(response.statusCode ?? 0, text))
          .finally(() => clearTimeout(timer))
          .then(resolve, fail);
      });
      call.end(data);
    });
  }

  /** An answer of many lines, each a JSON object, until `onEnd` (why) or until the returned function is called. */
  stream(path: string, body: object, onLine: (line: Fields) => void, onEnd: (why: Error) => void): () => void {
    const call = request({ socketPath: this.#socketPath, path, method: 'POST', agent: false });
    let isOver = false;
    const end = (why: Error | undefined) => {
      if (isOver) return;
      isOver = true;
      this.#streams.delete(stop);
      call.destroy();
      if (why !== undefined) onEnd(why);
    };
    const stop = () => end(undefined);
    this.#streams.add(stop);
    call.on('error', (error) => end(fromSocket(error)));
    call.on('response', (response) => {
      response.setEncoding('utf8');
      let rest = '';
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > MAX_BODY_BYTES) return end(new GatewayError('a line without end', 'no'));
        for (const line of lines) {
          if (isOver) return undefined;
          try {
            if (line !== '') onLine(JSON.parse(line) as Fields);
          } catch (error) {
            return end(error as Error);
          }
        }
        return undefined;
      });
      response.on('error', (error) => end(fromSocket(error)));
      response.on('close', () => end(new GatewayError('the stream ended', 'no')));
    });
    // The gateway reads requests until the stream's end: it stays open.
    call.write(`${JSON.stringify(body)}\n`);
    return stop;
  }

  close(): void {
    for (const stop of this.#streams) stop();
    this.#agent.destroy();
  }
}

export type Fields = Readonly<Record<string, unknown>>;

/** The member did not do what it was asked. */
export class GatewayError extends Error {
  override name = 'GatewayError';
  /** Whether it may have come about, or come about yet. */
  readonly changed: 'no' | 'unknown';
  constructor(message: string, changed: GatewayError['changed']) {
    super(message);
    this.changed = changed;
  }
}

const MAX_SOCKETS = 32;
const MAX_BODY_BYTES = 256 * 1024 * 1024;

/**
 * etcd says these before anything is proposed to the others (etcdserver's errors.go). A full database is none of them:
 * the transaction that fills it is applied, and its asker told the same as those that are refused (apply.go).
 */
const BEFORE_PROPOSAL = /too many requests|request is too large|proposal dropped|not supported for learner|no leader|duplicate key/i;

function judge(status: number, text: string): Fields {
  let answer: Fields;
  try {
    answer = JSON.parse(text) as Fields;
  } catch {
    throw new GatewayError(`status ${status} with no JSON`, 'unknown');
  }
  if (status === 200) return answer;
  const told = answer['error'] ?? answer['message'];
  const message = typeof told === 'string' ? told : `status ${status}`;
  throw new GatewayError(message, BEFORE_PROPOSAL.test(message) ? 'no' : 'unknown');
}

/** Where there is no socket, or nobody listens at it, nothing was sent. */
function fromSocket(error: NodeJS.ErrnoException): Error {
  if (error instanceof GatewayError) return error;
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return new GatewayError('this node’s member does not run just now', 'no');
  return new GatewayError(error.message, 'unknown');
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new GatewayError(`an answer of more than ${MAX_BODY_BYTES} bytes`, 'unknown');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
