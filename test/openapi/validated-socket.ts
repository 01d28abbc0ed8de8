import { ExchangeChecker } from './check-exchange.ts';
import { isDeliberate } from './deliberate.ts';
import { loadDocument, type OpenApiDocument } from './document.ts';
import { recordingProxy } from './recording-proxy.ts';

/** A daemon's socket, each of whose answers is held against Docker's document. */
export interface ValidatedSocket {
  readonly socket: string;
  /** So many answers were looked at. */
  readonly checked: () => number;
  /** What was not as documented, and is not meant to be; each once, with how often and where it was first. */
  readonly deviations: () => readonly string[];
  close(): Promise<void>;
}

let document: Promise<OpenApiDocument> | undefined;

/** @param socket of the daemon @param path of the one to make */
export async function validatedSocket(socket: string, path: string): Promise<ValidatedSocket> {
  document ??= loadDocument();
  const checker = new ExchangeChecker(await document);
  const seen = new Map<string, { count: number; readonly url: string }>();
  let checked = 0;
  const note = (key: string, url: string) => {
    const known = seen.get(key);
    if (known === undefined) seen.set(key, { count: 1, url });
    else known.count++;
  };
  const proxy = await recordingProxy(
    path,
    socket,
    (exchange) => {
      checked++;
      for (const deviation of checker.check(exchange)) {
        if (!isDeliberate(deviation)) note(`${deviation.operation} ${deviation.status}: ${deviation.what}`, deviation.url);
      }
    },
    (what) => note(what, ''),
  );
  return {
    socket: proxy.socket,
    checked: () => checked,
    deviations: () => [...seen].map(([key, { count, url }]) => `${key} (${count} times, first at ${url})`).toSorted(),
    close: () => proxy.close(),
  };
}
