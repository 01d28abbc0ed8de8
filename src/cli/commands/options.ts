import { InvalidArgumentError } from 'commander';

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** Makes commander name the option where a value can't be read. */
export function value<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw error instanceof RangeError ? new InvalidArgumentError(error.message) : error;
    }
  };
}

/** A whole number within bounds. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
    }
    return number;
  };
}
