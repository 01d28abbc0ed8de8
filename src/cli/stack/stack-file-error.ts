import { EXIT, Failure } from '../failure.ts';

/** What is wrong with a stack file, and where. */
export class StackFileError extends Failure {
  override name = 'StackFileError';

  constructor(file: string, line: number, message: string) {
    super(`${file}${line > 0 ? `:${line}` : ''}: ${message}`, EXIT.refused);
  }
}
