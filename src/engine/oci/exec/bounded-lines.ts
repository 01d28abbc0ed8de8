import type { Readable } from 'node:stream';

/** A stream's lines, without their ends; one of more than `limit` characters is cut there, and empty ones are left out. Ends the stream when it is left. */
export async function* boundedLines(stream: Readable, limit: number): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    for (let end = lineEnd(text, limit); end !== undefined; end = lineEnd(text, limit)) {
      const line = text.slice(0, end).replace(/\n$/, '');
      text = text.slice(end);
      if (line !== '') yield line;
    }
  }
  if (text !== '') yield text;
  return undefined;
}

function lineEnd(text: string, limit: number): number | undefined {
  const newline = text.indexOf('\n');
  if (newline >= 0 && newline < limit) return newline + 1;
  return text.length >= limit ? limit : undefined;
}
