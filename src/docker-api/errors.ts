import type { ErrorBody } from './types.ts';

/** The API said no. `message` is the server's sentence, `body` its whole answer where that was JSON. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly body: ErrorBody | undefined;

  constructor(status: number, message: string, body?: ErrorBody) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Nobody answered: no socket, connection refused, permission denied, TLS failed, connection lost. */
export class CannotReachError extends Error {
  override name = 'CannotReachError';
  /** ENOENT, ECONNREFUSED, EACCES, ECONNRESET … as Node names them. */
  readonly code: string;
  /** As describeEndpoint says it. */
  readonly where: string;

  constructor(where: string, cause: NodeJS.ErrnoException) {
    super(`cannot reach the API at ${where}: ${cause.message}`, { cause });
    this.code = cause.code ?? '';
    this.where = where;
  }
}
