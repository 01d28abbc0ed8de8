import { FrameDecoder, FramingError } from '../../docker-api/framing.ts';
import { Failure } from '../failure.ts';
import { type Io, write } from '../io.ts';

/** Copies a container's multiplexed output to our stdout and stderr, as fast as they are read. Ends with the stream. */
export async function copyFrames(source: AsyncIterable<Uint8Array>, io: Io): Promise<void> {
  const decoder = new FrameDecoder();
  try {
    for await (const chunk of source) {
      for (const frame of decoder.push(chunk)) await write(frame.stream === 'stderr' ? io.stderr : io.stdout, frame.data);
    }
  } catch (error) {
    if (error instanceof FramingError) throw new Failure(`the container's output can't be read: ${error.message}`);
    throw new LostOutput(error);
  }
  if (!decoder.atBoundary) throw new LostOutput();
}

/** Copies a terminal's output, which is as it is. Ends with the stream. */
export async function copyRaw(source: AsyncIterable<Uint8Array>, io: Io): Promise<void> {
  try {
    for await (const chunk of source) await write(io.stdout, chunk);
  } catch (error) {
    throw new LostOutput(error);
  }
}

/** The connection broke before the output's end. */
export class LostOutput extends Failure {
  /** In parentheses, to be said after something; empty where nothing is known. */
  readonly why: string;

  constructor(cause?: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    super(`lost the connection to the daemon while reading the container's output${why}`);
    this.why = why;
  }
}
