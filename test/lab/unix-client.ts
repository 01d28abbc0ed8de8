import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** From the request's first byte to the answer's last, ms. */
  readonly tookMs: number;
}

/** HTTP over a unix socket, by connections that stay open: what an API costs without a process per call. */
export class UnixClient {
  readonly #agent: Agent;
  readonly #socketPath: string;

  /** @param connections how many calls go at once; further ones wait, and the wait counts in `tookMs`. */
  constructor(socketPath: string, connections = 1) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#socketPath = socketPath;
  }

  call(method: string, path: string, body?: Buffer | object): Promise<Answer> {
    const isBytes = Buffer.isBuffer(body);
    const bytes = isBytes || body === undefined ? body : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string | number> =
      bytes === undefined ? {} : { 'content-type': isBytes ? 'application/x-tar' : 'application/json', 'content-length': bytes.length };
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const sent = request({ socketPath: this.#socketPath, agent: this.#agent, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, tookMs: performance.now() - began }));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // An idle connection may be closed just when it is used again: nobody read what was sent.
        if (sent.reusedSocket && error.code === 'EPIPE') resolve(this.call(method, path, body));
        else reject(error);
      });
      sent.end(bytes);
    });
  }

  /** The same; a status above 399 is an error. */
  async ok(method: string, path: string, body?: Buffer | object): Promise<Answer> {
    const answer = await this.call(method, path, body);
    if (answer.status > 399) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body.trim()}`);
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }
}
