import type { Backend } from '../backend.ts';

/** Once the headers are sent a failure can only cut the stream off, which clients notice. */
export async function cutOff(backend: Backend, container: string, sink: { cut(): void }, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    backend.log('warn', 'the output of a container could not be read', { container, error: String(error) });
    sink.cut();
  }
}
