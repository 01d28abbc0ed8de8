/** Docker's exit code of an exec that could not start, by what was said of it: 127 for no such program, else 126. */
export const execFailureCode = (message: string): 126 | 127 =>
  /executable file not found|no such file or directory/i.test(message) && !/permission denied/i.test(message) ? 127 : 126;
