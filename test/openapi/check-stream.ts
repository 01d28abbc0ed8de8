import type { Exchange } from './exchange.ts';

/** Operations whose answer is one JSON object after another, each told when it happens. */
const PROGRESS = new Set(['POST /images/create', 'POST /images/{name}/push', 'POST /images/load']);
const MULTIPLEXED = 'application/vnd.docker.multiplexed-stream';
/** From this minor number of the API's version on, its name says of a stream that it is multiplexed. */
const MULTIPLEXED_SINCE = 42;
const HEADER_BYTES = 8;

/** What the document says only in words of answers that are streams. */
export function checkStream(exchange: Exchange, operation: string, version: number): readonly string[] {
  if (PROGRESS.has(operation)) return checkProgress(exchange);
  if (exchange.headers.get('content-type') !== MULTIPLEXED) return [];
  const early = version < MULTIPLEXED_SINCE ? [`${MULTIPLEXED} is not known to clients of 1.${version}`] : [];
  return [...early, ...checkFrames(exchange.body, exchange.end === 'whole' && !exchange.cutShort)];
}

/** https://docs.docker.com/engine/api/v1.41/#tag/Image/operation/ImageCreate: JSON messages, each with CRLF behind it. */
function checkProgress({ body, end, cutShort }: Exchange): readonly string[] {
  const messages = body.toString().split('\n');
  if (end !== 'whole' || cutShort) messages.pop();
  const known = ['status', 'error', 'stream', 'aux'];
  const wrong = messages.filter((line) => line.trim() !== '').find((line) => !isObjectWith(line, known));
  return wrong === undefined ? [] : [`a message of its progress is ${JSON.stringify(wrong.slice(0, 100))}`];
}

function isObjectWith(line: string, known: readonly string[]): boolean {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null && known.some((name) => name in value);
  } catch {
    return false;
  }
}

/** Frames of `[stream, 0, 0, 0, size as big-endian uint32]`, then their bytes. */
function checkFrames(stream: Buffer, isWhole: boolean): readonly string[] {
  let at = 0;
  while (at + HEADER_BYTES <= stream.length) {
    const kind = stream[at] ?? 0;
    if (kind > 2 || stream.readUIntBE(at + 1, 3) !== 0) return [`there is no frame at byte ${at}`];
    at += HEADER_BYTES + stream.readUInt32BE(at + 4);
  }
  return at === stream.length || !isWhole ? [] : ['its last frame is cut'];
}
