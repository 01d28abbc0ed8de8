import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is not a message but junk. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

/**
 * Docker's progress and event streams: one JSON value a line, cut anywhere.
 * @throws SyntaxError on a line that is not JSON, RangeError on one without end
 */
export async function* jsonLines<T>(stream: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
    if (rest.length > MAX_LINE_CHARACTERS) throw new RangeError(`a line of the stream is longer than ${MAX_LINE_CHARACTERS} characters`);
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
