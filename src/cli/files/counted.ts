import { Readable } from 'node:stream';

/** A stream, and how much of it has gone by. */
export interface Counted {
  readonly stream: Readable;
  readonly bytes: number;
}

export function counted(source: Readable): Counted {
  let bytes = 0;
  async function* passing(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  return {
    stream: Readable.from(passing(), { objectMode: false }),
    get bytes() {
      return bytes;
    },
  };
}
